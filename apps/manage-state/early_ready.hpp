/// @file early_ready.hpp - asks servers of starting projects whether they are ready, sooner than the kubelet does.
/// Layer: apps/manage-state.
#pragma once

#include <map>

#include "apps/manage-state/pod_cache.hpp"
#include "atrium/net/client.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::manage_state {

/// A kubelet looks at a container that has just started, often a moment before its server listens, and then not for a
/// second (the shortest period of a probe). So whoever leads looks too. What is found here holds until the kubelet says
/// the same, or the container ends. @thread one loop
class early_ready {
 public:
  /// `found` is called when a server has answered.
  early_ready(const pod_cache& pods, std::function<void(domain::project_id)> found);

  /// Its container runs, and all that is missing is the word that it is ready.
  static bool is_awaited(const pod_view&) noexcept;
  /// Asks the server of a pod that is awaited until it answers or the pod is another one, in a task of `tasks`.
  void look(rt::scope& tasks, const pod_view&);
  void forget(domain::project_id id) { asked_.erase(id); }
  void forget_all() noexcept { asked_.clear(); }
  bool answers(const pod_view&) const;

 private:
  struct question {
    std::string uid;
    int restarts = 0;
    bool answered = false;
    bool is_about(const pod_view& p) const { return uid == p.uid && restarts == p.restarts; }
  };
  rt::task<void> ask(domain::project_id id, question about);
  rt::task<bool> answers_at(std::string ip);

  const pod_cache& pods_;
  std::function<void(domain::project_id)> found_;
  std::map<domain::project_id, question> asked_;
  net::http_client http_;
};

}  // namespace atrium::manage_state
