/// @file up.hpp - `atrium up`: the whole system on one machine, each service as its own process. Layer: apps.
#pragma once

namespace atrium::up {

/// Starts PostgreSQL, devcluster, every service and the edge below one state folder; prints `ready http://HOST:PORT/`
/// on standard output when the page can be opened; restarts what ends; stops everything on SIGINT or SIGTERM. Exit
/// code.
int run_up(int argc, char** argv);

}  // namespace atrium::up
