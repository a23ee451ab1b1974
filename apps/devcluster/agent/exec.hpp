/// @file exec.hpp - commands beside a container, over WebSocket (v5 and v4.channel.k8s.io) or SPDY/3.1 (kubectl
/// before 1.30). Layer: apps/devcluster.
#pragma once

#include <optional>
#include <string>

#include "apps/devcluster/agent/pod_worker.hpp"
#include "apps/devcluster/api/api.hpp"
#include "atrium/net/server.hpp"

namespace atrium::devcluster {

/// Channels of the protocol.
enum class channel : std::uint8_t { input = 0, output = 1, errors = 2, status = 3, resize = 4 };

/// A session with the client, whatever the wire is.
class exec_transport {
 public:
  struct message {
    channel on;
    std::string data;
    bool end = false;  ///< the client will send no more there
  };
  virtual ~exec_transport() = default;
  /// nullopt: the client is gone.
  virtual rt::task<std::optional<message>> receive() = 0;
  /// From several tasks. Waits while the client does not take it.
  virtual rt::task<void> send(channel on, std::span<const std::byte> bytes) = 0;
  /// Sends the outcome (a Status object) and ends our side; receive() goes on until the client has ended its own.
  virtual rt::task<void> finish(std::string status) = 0;
};

struct exec_request {
  std::vector<std::string> command;
  std::string container;
  bool input = false, output = false, errors = false, terminal = false;
  /// @errors BadRequest
  static result<exec_request> parse(const query_list& query);
};

/// Answers .../exec. @errors BadRequest before the upgrade
rt::task<void> serve_exec(net::exchange& ex, pod_worker& pod, const query_list& query);

/// Runs the command and moves its streams until it ends or the client is gone.
rt::task<void> run_exec(exec_transport& client, const rt::process_options& how, const exec_request& request);

/// The Status object for an exit code.
std::string exit_status_text(int code);

rt::task<std::unique_ptr<exec_transport>> accept_websocket_exec(net::exchange& ex);
rt::task<std::unique_ptr<exec_transport>> accept_spdy_exec(net::exchange& ex, const exec_request& request);

}  // namespace atrium::devcluster
