/// @file manage_state.hpp - `atrium manage-state`: keeps projects.state in step with the pods that there are. Layer:
/// apps.
#pragma once

namespace atrium {
int run_manage_state(int argc, char** argv);
}  // namespace atrium
