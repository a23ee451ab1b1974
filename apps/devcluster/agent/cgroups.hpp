/// @file cgroups.hpp - memory, CPU and process limits by control groups, version 2 or 1, where they may be used. Layer:
/// apps/devcluster.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace atrium::devcluster {

struct resource_limits {
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> cpu_milli;
  std::int64_t processes = 8192;
};

class cgroup_tree {
 public:
  /// Finds out what may be used. Never throws.
  cgroup_tree();

  /// Empty when limits can be set; else a sentence that says why not.
  const std::string& unavailable() const noexcept { return unavailable_; }

  /// Makes the groups of one container and gives the files by which a process joins them. What cannot be set is named
  /// in `problem`.
  std::vector<std::string> prepare(const std::string& pod, const std::string& container, const resource_limits& limits,
                                   std::string& problem) const;
  /// Processes of the container that were killed for lack of memory.
  std::int64_t out_of_memory_kills(const std::string& pod, const std::string& container) const;
  /// Removes the groups of a pod. Its processes must be gone.
  void remove(const std::string& pod) const;
  /// Files by which a process joins what prepare() made.
  std::vector<std::string> join_files(const std::string& pod, const std::string& container) const;

 private:
  void find_version_2();
  void find_version_1();

  std::string unavailable_;
  std::string unified_;                                           ///< our folder in version 2
  std::vector<std::pair<std::string, std::string>> controllers_;  ///< version 1: controller, our folder
};

}  // namespace atrium::devcluster
