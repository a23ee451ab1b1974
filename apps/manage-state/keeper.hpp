/// @file keeper.hpp - watches the pods of projects and writes what they mean, in batches, while this replica leads.
/// Layer: apps/manage-state.
#pragma once

#include <memory>
#include <set>

#include "apps/manage-state/pod_view.hpp"
#include "apps/store/project_actions.hpp"
#include "atrium/k8s/informer.hpp"
#include "atrium/k8s/work_queue.hpp"

namespace atrium::manage_state {

/// Caches of the pods of all namespaces. Every replica keeps them, so that a new leader has nothing to load.
class pod_cache {
 public:
  pod_cache(k8s::client&, std::vector<std::string> namespaces, k8s::reflector_options);
  void on_change(std::function<void(domain::project_id)> f) { changed_ = std::move(f); }
  rt::task<void> run();
  rt::task<void> wait_synced();
  bool synced() const noexcept;
  /// Good until the next await. Of two pods (namespaces were re-arranged) the one that is not ending.
  const pod_view* find(domain::project_id) const;
  template <class F>
  void for_each(F f) const {
    for (const auto& i : informers_) i->for_each([&](const std::string&, const pod_view& p) { f(p); });
  }

 private:
  std::vector<std::string> namespaces_;
  std::vector<std::unique_ptr<k8s::informer<pod_view>>> informers_;
  std::function<void(domain::project_id)> changed_;
};

class keeper {
 public:
  keeper(pod_cache& pods, store::project_actions& actions, store::worker_leaders& leaders,
         rt::duration resync = std::chrono::seconds(30));

  /// The leader's work, until cancelled: first compares every row with every pod, then follows changes, and compares
  /// all again every `resync`. Every write carries `token`. @errors conflict when another leader has a newer one
  rt::task<void> lead(std::int64_t token);

 private:
  rt::task<void> claim();
  rt::task<void> mark_all();
  rt::task<void> resync();
  rt::task<void> work();
  rt::task<void> write_batch(std::vector<domain::project_id> batch);
  rt::task<void> write(const std::vector<store::state_update>&);
  void record(const std::vector<store::state_update>&, const std::set<domain::project_id>& written,
              rt::task_node&) const;
  void mark(domain::project_id);

  pod_cache& pods_;
  store::project_actions& actions_;
  store::worker_leaders& leaders_;
  store::leader_fence fence_{"manage-state"};
  rt::duration resync_;
  std::optional<k8s::work_queue_core> dirty_;  ///< only while leading
  rt::condition changed_;
};

}  // namespace atrium::manage_state
