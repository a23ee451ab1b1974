/// @file trouble.hpp - why a pod does not run, in words for people. Layer: apps/manage-state, I/O-free.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "apps/manage-state/pod_view.hpp"

namespace atrium::manage_state {

struct trouble {
  std::string sentence;  ///< empty: none
  bool failed = false;   ///< without somebody's doing it will not get better: the start counts as failed
  /// For so long a project may wait; then its start has failed and its pod is taken back.
  std::chrono::minutes limit{10};
};

/// What keeps the pod from being ready (or made it end). `event`: see pod_events.
trouble trouble_of(const pod_view&, std::string_view event = {});

/// Its container is being prepared, and of how that goes the pod says nothing.
bool is_being_made(const pod_view&) noexcept;
/// In the place of an event: nobody has looked yet.
inline constexpr std::string_view events_not_read = "?";
/// Whether events of this reason say how far the making of a container is.
bool tells_of_making(std::string_view reason) noexcept;

/// What people should know about a project that runs: that it was restarted for lack of memory within the last
/// five minutes. Empty: nothing.
std::string remark_of(const pod_view&, domain::timestamp now);
inline constexpr std::chrono::minutes remark_lasts{5};

}  // namespace atrium::manage_state
