/// @file probes.hpp - one look at a container: HTTP, TCP or a command inside. Layer: apps/devcluster.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/devcluster/store/values.hpp"
#include "atrium/net/client.hpp"

namespace atrium::devcluster {

/// What a probe may use.
struct probe_target {
  net::http_client* http;
  std::string address;  ///< of the pod
  const json::value* container;
  /// Runs a command inside; gives its exit code and output.
  std::function<rt::task<std::pair<int, std::string>>(std::vector<std::string>)> run;
  std::function<bool(std::uint16_t)> has_socket;
};

/// Empty when it succeeded; else what went wrong, for the Event.
rt::task<std::string> probe_once(const probe_target& target, const json::value& probe);

/// The number of a port that is given by number or by name; 0 when there is none.
std::uint16_t port_number(const json::value& container, const json::value& port);

}  // namespace atrium::devcluster
