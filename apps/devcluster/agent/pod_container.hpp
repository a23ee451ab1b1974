/// @file pod_container.hpp - pod_worker's view of one container. Layer: apps/devcluster, private to the worker's
/// sources.
#pragma once

#include "apps/devcluster/agent/pod_worker.hpp"

namespace atrium::devcluster {

struct pod_worker::container {
  const json::value& spec(const json::value& pod) const {
    return array_at(pod, {"spec", state.init ? "initContainers" : "containers"})[index];
  }

  container_state state;
  std::size_t index = 0;
  std::string folder;
  int attempt = 0;
  std::optional<sandbox_process> process;
  std::vector<rt::unique_fd> held;  ///< what the next process is given, until it has started
  bool exited = false;              ///< the process of this attempt has ended
  int exit_code = 0;
  bool restart_wanted = false;    ///< a liveness probe gave up
  bool was_shut_down = false;     ///< it ended because devcluster did: starts anew without delay
  bool finished = false;          ///< will not be started again
  int quick_ends = 0;             ///< in a row, for the delay before the next start
  std::int64_t memory_kills = 0;  ///< counted before this attempt
};

}  // namespace atrium::devcluster
