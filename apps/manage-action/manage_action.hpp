/// @file manage_action.hpp - `atrium manage-action`: starts, stops and restarts projects as people ask for it. Layer:
/// apps.
#pragma once

namespace atrium {
int run_manage_action(int argc, char** argv);
}  // namespace atrium
