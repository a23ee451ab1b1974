/// @file relay.hpp - the pod's address: loopback ports that lead to Unix sockets which the pod listens on. Layer:
/// apps/devcluster.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "atrium/rt/io.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::devcluster {

/// Listens on 127.16.a.b:<port> and connects each connection with <folder>/<port>.sock. The folder belongs to the pod,
/// so what lies there is not trusted: a socket file is connected to as the very file that was looked at, and a link is
/// not followed.
class pod_relay {
 public:
  /// Takes `wanted` when it is free (waits a moment for a killed devcluster's hold on it to end), else the first free
  /// address: all ports must be. @errors overloaded (no address is free)
  static rt::task<std::unique_ptr<pod_relay>> open(std::string socket_folder, std::vector<std::uint16_t> ports,
                                                   std::string wanted, std::uint32_t seed);
  const std::string& address() const noexcept { return address_; }
  /// True when something was bound to <port>.sock. Says nothing about whether it answers.
  bool has_socket(std::uint16_t port) const noexcept;
  /// Serves until cancelled.
  rt::task<void> run();

 private:
  pod_relay() = default;
  bool bind(const std::string& address);
  rt::task<void> accept_all(rt::scope& connections, std::size_t index);
  rt::task<void> serve(rt::socket from, std::uint16_t port);

  std::string address_;
  rt::unique_fd folder_;
  std::vector<std::uint16_t> ports_;
  std::vector<rt::listener> listeners_;
};

}  // namespace atrium::devcluster
