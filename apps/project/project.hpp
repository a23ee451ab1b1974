/// @file project.hpp - `atrium project`: the server inside a project's pod. Layer: app project.
#pragma once

namespace atrium {

/// Serves hubs on port 6000 and browsers on port 6001 (docs/protocols.md sections 2 and 3). Settings: --help.
int run_project(int argc, char** argv);

}  // namespace atrium
