/// @file server_connection.hpp - one connection of the HTTP server: heads in, exchanges through handlers, answers out.
/// Layer: net, private.
#pragma once

#include "framed_io.hpp"

namespace atrium::net {

/// What drain() needs to know about a connection. In the frame of its task.
struct connection_record {
  explicit connection_record(rt::task_node& node) noexcept : region(node) {}
  rt::cancel_region region;
  net::stream* stream = nullptr;  ///< null before the TLS handshake and after an upgrade
  bool idle = false;              ///< waits for a request
  std::size_t place = 0;          ///< in the server's list
};

struct server_shared {
  handler handle;
  http_limits limits;
  trace_policy takes_trace = nullptr;
  bool draining = false;
};

/// What an upgrade leaves of a connection, and what goes on with it.
struct handed_over {
  exchange::upgraded raw;
  exchange::upgraded_session session;
};

class server_connection {
 public:
  server_connection(server_shared& shared, connection_record& record, stream_ptr s)
      : shared_(shared), record_(record), stream_(std::move(s)), peer_(stream_->peer()) {
    record_.stream = stream_.get();
    peer_address_ = peer_.family() == AF_UNIX ? "127.0.0.1" : peer_.host();
  }
  ~server_connection() { record_.stream = nullptr; }
  /// Serves requests until the connection ends (then null) or is handed over. @errors disconnected, timed_out
  /// (writing), cancelled
  rt::task<std::unique_ptr<handed_over>> run();

 private:
  friend class server_exchange;
  friend class request_body;
  rt::task<bool> wait_for_request();
  rt::task<void> read_head(http1::request_parser&, http1::progress& outcome);
  rt::task<bool> receive_head(http1::request_parser&, http1::progress);
  rt::task<bool> serve_one();
  rt::task<void> refuse(error);
  rt::task<void> linger();

  server_shared& shared_;
  connection_record& record_;
  stream_ptr stream_;
  input_buffer input_;
  rt::endpoint peer_;
  std::string peer_address_;
  std::unique_ptr<handed_over> rest_;
};

}  // namespace atrium::net
