/// @file pod_events.hpp - why containers are still being made: of that a pod says nothing, the Events of its machine
/// do. Layer: apps/manage-state.
#pragma once

#include <map>

#include "apps/manage-state/pod_cache.hpp"

namespace atrium::manage_state {

class pod_events {
 public:
  pod_events(k8s::client& api, const pod_cache& pods, rt::duration interval = std::chrono::seconds(15))
      : api_(api), pods_(pods), interval_(interval) {}
  void on_change(std::function<void(domain::project_id)> f) { changed_ = std::move(f); }

  /// The leader's work, until cancelled: looks every `interval` at the pods that have waited for longer than that.
  rt::task<void> run();
  /// Reason of the newest event of this pod that trouble_of() knows; empty: none; or events_not_read.
  std::string_view reason(const pod_view&) const;

 private:
  rt::task<void> look();
  rt::task<std::string> newest(std::string ns, std::string uid);

  struct known {
    std::string uid, reason;
    bool operator==(const known&) const = default;
  };
  k8s::client& api_;
  const pod_cache& pods_;
  rt::duration interval_;
  std::map<domain::project_id, known> known_;
  std::function<void(domain::project_id)> changed_;
};

}  // namespace atrium::manage_state
