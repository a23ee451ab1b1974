/// @file keeper.hpp - watches the pods of projects and writes what they mean, in batches, while this replica leads.
/// Layer: apps/manage-state.
#pragma once

#include <memory>
#include <set>

#include "apps/manage-state/decide.hpp"
#include "apps/manage-state/pod_events.hpp"
#include "atrium/k8s/work_queue.hpp"

namespace atrium::manage_state {

class early_ready;

class keeper {
 public:
  keeper(pod_cache& pods, pod_events& events, store::project_actions& actions, store::worker_leaders& leaders,
         rt::duration resync = std::chrono::seconds(30));
  ~keeper();

  /// The leader's work, until cancelled: first compares every row with every pod, then follows changes, and compares
  /// all again every `resync`. Every write carries `token`. @errors conflict when another leader has a newer one
  rt::task<void> lead(std::int64_t token);

 private:
  rt::task<void> claim();
  rt::task<void> mark_all();
  rt::task<void> resync();
  rt::task<void> work(rt::scope& tasks);
  rt::task<void> write_batch(std::vector<domain::project_id> batch, rt::scope& tasks);
  rt::task<void> write(const std::vector<store::state_update>&);
  void record(const std::vector<store::state_update>&, const std::set<domain::project_id>& written,
              rt::task_node&) const;
  void mark(domain::project_id);
  decision decide_now(const store::project_actions::observed& row) const;

  pod_cache& pods_;
  pod_events& events_;
  store::project_actions& actions_;
  store::worker_leaders& leaders_;
  std::unique_ptr<early_ready> early_;
  store::leader_fence fence_{"manage-state"};
  rt::duration resync_;
  std::optional<k8s::work_queue_core> dirty_;  ///< only while leading
  rt::condition changed_;
};

}  // namespace atrium::manage_state
