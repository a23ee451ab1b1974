/// @file worker.hpp - claims requests under leases and has them carried out, several at once. Layer:
/// apps/manage-action.
#pragma once

#include <map>

#include "apps/manage-action/executor.hpp"
#include "atrium/pg/listen.hpp"

namespace atrium::manage_action {

struct worker_options {
  std::string identity;  ///< unique among all replicas
  std::string replica;   ///< see store::claimant
  std::size_t parallel = 64;
  std::chrono::milliseconds lease = std::chrono::seconds(6);
  rt::duration poll = std::chrono::seconds(2);  ///< for leases that ran out; safety net below notifications
};

class worker {
 public:
  worker(store::project_actions& actions, executor& act, std::string conninfo, worker_options options)
      : actions_(actions),
        executor_(act),
        listener_(std::move(conninfo), {std::string(store::action_channel)}),
        options_(std::move(options)) {}

  /// Until cancelled; then gives back what it holds.
  rt::task<void> run();

 private:
  struct running {
    store::claimed_action action;
    rt::task_node* task = nullptr;  ///< once it has begun
  };
  rt::task<void> listen();
  rt::task<void> renew();
  rt::task<void> renew_once();
  rt::task<void> claim(rt::scope&);
  rt::task<void> carry_out(store::claimed_action);
  rt::task<void> wait_for_work();

  store::project_actions& actions_;
  executor& executor_;
  pg::listener listener_;
  worker_options options_;
  std::map<domain::project_id, running> running_;
  bool look_again_ = true;
  rt::time_point claimed_{};
  rt::condition changed_;
};

}  // namespace atrium::manage_action
