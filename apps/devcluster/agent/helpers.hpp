/// @file helpers.hpp - what the agent starts processes with: two small programs inside the executable. Layer:
/// apps/devcluster.
///
/// `devcluster launch [--cgroup FILE]... [--stage DIR] [--bind FD=NAME]... [--id N] [--keep FD]... -- PROGRAM ARGS...`
///   As root: joins cgroups, makes a mount namespace of its own with the bound descriptors at DIR/NAME (so that folders
///   which the unprivileged user cannot reach by path can still be mounted, and a path cannot be swapped after it was
///   checked), becomes user and group N and runs PROGRAM with no descriptors but 0 to 2 and those of --keep.
/// `devcluster enter --pid PID [--cgroup FILE]... [--id N] [--directory DIR] [--terminal FD] -- PROGRAM ARGS...`
///   Runs PROGRAM inside the sandbox of process PID, as its user, without privileges; ends with its exit code. Its
///   environment is the caller's. With --terminal on a terminal of the sandbox, whose master is sent through the Unix
///   socket FD.
#pragma once

namespace atrium::devcluster {

int run_launch(int argc, char** argv);
int run_enter(int argc, char** argv);

/// Exit code of both when the sandbox could not be made or entered.
inline constexpr int helper_failed = 125;

}  // namespace atrium::devcluster
