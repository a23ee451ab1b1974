/// @file hub.hpp - the WebSocket hub as a whole: handshakes, connections, live queries. Layer: apps/hub-websocket.
#pragma once

#include "apps/hub-websocket/connection.hpp"
#include "atrium/net/server.hpp"

namespace atrium::hub_websocket {

struct hub_options {
  net::websocket_options socket = {.message_bytes = 256 * 1024, .send_queue_bytes = 8u << 20};
  connection_limits limits = {};
  std::size_t connections_of_account = 100;
  std::size_t anonymous_connections = 2000;
};

class hub {
 public:
  hub(pg::pool&, std::unique_ptr<pg::change_source>, hub_options = {});

  /// Route `/hub`: refuses foreign origins (403), upgrades, serves until the WebSocket ends.
  rt::task<void> handle(net::exchange&);
  /// Follows the change stream for ever.
  rt::task<void> follow_changes() { return feed_.run(); }
  /// Ends sessions whose time is over, for ever; while the change stream is away also those that were revoked.
  rt::task<void> watch_sessions();
  /// Tells every client to come back elsewhere; waits until they are gone, at most for `limit`.
  rt::task<void> drain(rt::duration limit);
  /// For /ready. @errors disconnected while changes do not arrive
  void check_ready() const;

  std::size_t connections() const noexcept { return clients_.size(); }
  /// Sets the gauges of what browsers have not taken yet.
  void publish_metrics() const;

 private:
  rt::task<void> serve(std::unique_ptr<net::websocket>, session_owner, std::string hello);
  rt::task<void> wait_empty();

  pg::pool& pool_;
  hub_options options_;
  registry clients_;
  feed feed_;
  hub_parts parts_;
  std::size_t anonymous_ = 0;
  bool draining_ = false;
  rt::condition client_gone_;
};

}  // namespace atrium::hub_websocket
