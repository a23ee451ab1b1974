/// @file init.hpp - what the first process of a container owes the others. Layer: app project.
#pragma once

#include <optional>

namespace atrium::project {

/// As process 1: forks, reaps orphans and passes signals on until the child ends; gives the exit code then. In the
/// child, and in a process that is not the first, gives nothing: go on. Call before anything else.
std::optional<int> run_as_init();

}  // namespace atrium::project
