/// @file trouble.hpp - why a pod does not run, in words for people. Layer: apps/manage-state, I/O-free.
#pragma once

#include <string>

#include "apps/manage-state/pod_view.hpp"

namespace atrium::manage_state {

struct trouble {
  std::string sentence;  ///< empty: none
  bool failed = false;   ///< without somebody's doing it will not get better: the start counts as failed
};

/// What keeps the pod from being ready (or made it end).
trouble trouble_of(const pod_view&);

/// What people should know about a project that runs: that it was restarted for lack of memory within the last
/// five minutes. Empty: nothing.
std::string remark_of(const pod_view&, domain::timestamp now);
inline constexpr std::chrono::minutes remark_lasts{5};

}  // namespace atrium::manage_state
