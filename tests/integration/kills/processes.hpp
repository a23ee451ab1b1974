/// @file processes.hpp - what runs on this machine, from /proc: who can be killed, and who must not exist twice.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace atrium::tests {

/// Bytes of /proc/<pid>/cmdline with blanks for zeros; empty when it is gone.
std::string command_line(pid_t);
/// Direct children.
std::vector<pid_t> children_of(pid_t);

/// A process `atrium project`, the first of its sandbox or the server below it.
struct project_process {
  pid_t pid = 0;
  std::string sandbox;  ///< its pid namespace
};
/// By project id: those whose home lies below `homes`.
std::map<std::string, std::vector<project_process>> project_processes(const std::string& homes);

}  // namespace atrium::tests
