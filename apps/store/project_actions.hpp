/// @file project_actions.hpp - requests to start, stop and restart: asking, claiming under a lease with a fence,
/// finishing; states and timelines that workers write. Layer: apps/store.
///
/// The row of `projects` is the truth; NOTIFY atrium_action only wakes workers up, who also poll slowly. A fence is a
/// number that grows with every request and every claim: what a worker writes under an old fence changes nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/store/projects.hpp"
#include "apps/store/worker_leaders.hpp"

namespace atrium::store {

inline constexpr std::string_view code_not_leading = "store.not_leading";
inline constexpr std::string_view action_channel = "atrium_action";

/// A request that this worker holds until lease_until, unless its fence is overtaken.
struct claimed_action {
  domain::project_id project_id;
  domain::action_request request;
  std::int64_t fence = 0;
  std::string secret_token;
  std::string settings = "{}", env = "{}";  ///< JSON columns of the project
  std::string compute_image;
  bool deleted = false;
};

/// One state to write. Only what differs from the row is written, so that two observers do not double changes.
struct state_update {
  domain::project_id project_id;
  std::optional<domain::project_state> state;  ///< empty: only the timeline
  std::vector<domain::state_name> only_from;   ///< write only when the present state is one of these; empty: any
  std::vector<std::pair<domain::start_phase, domain::timestamp>>
      timeline;                       ///< phases already recorded keep their first time
  std::string failure_reason;         ///< status.start.reason
  std::optional<std::int64_t> fence;  ///< write only while the row has this fence
};

/// Who claims requests: what it holds by its own name and does not have in hand is free, and what others hold whose
/// name begins with `replica` and a slash: they have ended.
struct claimant {
  std::string identity;      ///< unique among all processes
  std::string replica = {};  ///< of which one process runs at a time; empty: unknown
  std::vector<domain::project_id> in_hand = {};
};

class project_actions {
 public:
  explicit project_actions(pg::pool& pool) noexcept : pool_(pool) {}

  enum class asked { no_such_project, requested, already_there };
  /// One UPDATE that checks the right, replaces a pending request and (start, restart) begins a new timeline with
  /// `queued`; then NOTIFY outside of it. `already_there`: start of a running or starting project, stop of a stopped
  /// one; nothing written. The trace id of the calling task is kept with the request and its timeline.
  rt::task<asked> request(domain::project_id, domain::account_id who, domain::action_name);
  /// The same without an account: asked for by the system.
  rt::task<asked> request_by_system(domain::project_id, domain::action_name);

  enum class cancelled { no_such_project, withdrawn, stopping, nothing_to_cancel };
  /// Takes a pending start back: an unclaimed one is finished with err, one that a worker has begun becomes a stop.
  rt::task<cancelled> cancel_start(domain::project_id, domain::account_id who);

  /// Takes up to `n` waiting requests, oldest first, and those whose lease ran out or is free; skips rows that others
  /// are taking. Sets action_request.started, and the state of a project that is to be started to `starting`: the pod
  /// that its worker makes may be observed, and told of, before the worker could write that itself.
  rt::task<std::vector<claimed_action>> claim(const claimant&, int n, std::chrono::milliseconds lease);
  /// Extends the leases that are still ours; gives the fences kept.
  rt::task<std::vector<std::int64_t>> renew(const std::string& owner, std::span<const claimed_action>,
                                            std::chrono::milliseconds lease);
  /// Sets finished (and err), the quota of the pod that was made, and in the timeline of a start `created`. A start
  /// that failed leaves the project `opened` with err as its error, and in the timeline `failed` with err as the
  /// reason. False: overtaken, nothing written.
  rt::task<bool> finish(domain::project_id, std::int64_t fence, const std::string& err = {},
                        const std::optional<domain::run_quota>& = {});
  /// Gives a claim back at once, to be claimed by another (draining). False: overtaken.
  rt::task<bool> release(domain::project_id, std::int64_t fence);

  /// Writes all in one statement, rows in a fixed order; gives the projects changed. With `leader`, only while that
  /// fence is in force. @errors conflict with code_not_leading when it is not
  rt::task<std::vector<domain::project_id>> set_states(std::span<const state_update>);
  rt::task<std::vector<domain::project_id>> set_states(std::span<const state_update>, const leader_fence& leader);
  /// Projects whose state says that a pod may exist: what an observer compares with the pods that do.
  struct observed {
    domain::project_id project_id;
    domain::project_state state;
    std::optional<domain::action_request> action_request;
    std::int64_t fence = 0;
  };
  rt::task<std::vector<observed>> with_pods();
  /// The same of these projects, whatever their state; unknown ones are left out.
  rt::task<std::vector<observed>> observe(std::span<const domain::project_id>);

 private:
  rt::task<std::vector<domain::project_id>> write_states(std::span<const state_update>, const leader_fence* leader);
  pg::pool& pool_;
};

}  // namespace atrium::store
