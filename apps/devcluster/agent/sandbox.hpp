/// @file sandbox.hpp - what a container sees of the machine, as arguments of bubblewrap. Layer: apps/devcluster,
/// I/O-free.
#pragma once

#include <string>
#include <vector>

namespace atrium::devcluster {

/// User and group inside every sandbox; as root also outside.
inline constexpr unsigned sandbox_id = 2001;

struct sandbox_mount {
  std::string source, target;  ///< the source as bubblewrap sees it
  bool read_only = false;
};

struct sandbox_spec {
  std::string bwrap = "/usr/bin/bwrap";
  std::string hostname, directory;
  std::vector<sandbox_mount> mounts;  ///< besides the system
  std::vector<std::string> command;
  int status_fd = -1;  ///< bubblewrap reports pids and the exit code here
};

/// Namespaces of its own (user, pid, net, ipc, uts, mount), no capabilities, the system read-only, /tmp and /run its
/// own. `exists` tells which parts of the machine there are.
std::vector<std::string> bwrap_arguments(const sandbox_spec& spec, bool (*exists)(const std::string&));

/// Where things stand inside.
namespace inside {
inline constexpr const char* program = "/opt/atrium/bin/atrium";
inline constexpr const char* sockets = "/run/atrium";
inline constexpr const char* path = "/opt/atrium/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}  // namespace inside

}  // namespace atrium::devcluster
