/// @file edge.hpp - `atrium edge`: the one address of a single machine, in front of all services. Layer: apps/edge.
#pragma once

namespace atrium::edge {

/// Forwards by path (routes.hpp) to the services' origins given as flags. Exit code.
int run_edge(int argc, char** argv);

}  // namespace atrium::edge
