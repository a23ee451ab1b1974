/// @file decide.hpp - what a project's row should say, given its pod. Level-triggered: only what is, never what
/// happened, so that it is right after any crash. Layer: apps/manage-state, I/O-free.
#pragma once

#include "apps/manage-state/pod_view.hpp"
#include "apps/store/project_actions.hpp"

namespace atrium::manage_state {

struct decision {
  std::optional<store::state_update> write;
  std::optional<std::chrono::milliseconds> look_again;  ///< although nothing may change until then
  bool give_up = false;  ///< ask for the project to be stopped: it waits in vain, or runs although it was stopped
};

/// A pod that was just made may be unknown to our cache for so long.
inline constexpr std::chrono::seconds unseen_limit{10};
/// The pod of the run before may be in our cache for so long after the new one was made.
inline constexpr std::chrono::seconds stale_limit{3};
/// A pod may look alive for so long after its deletion was accepted.
inline constexpr std::chrono::seconds stop_limit{5};

/// `pod` null: there is none. `event`: see pod_events. The write carries the row's fence and state, so that it changes
/// nothing when somebody was faster.
decision decide(const store::project_actions::observed& row, const pod_view* pod, domain::timestamp now,
                std::string_view event = {});

}  // namespace atrium::manage_state
