/// @file client.hpp - HTTP/1.1 client with connections kept per origin. Layer: net.
#pragma once

#include "atrium/net/server.hpp"

namespace atrium::net {

/// Where to connect: scheme, host and port, or a Unix socket.
struct origin {
  bool secure = false;
  std::string host;  ///< name for the Host header and for TLS verification
  std::uint16_t port = 80;
  std::string unix_socket;  ///< connect here instead when not empty
  /// "http://host:port", "https://host", "unix:/path". @errors invalid
  static result<origin> parse(std::string_view url);
  std::string authority() const;  ///< host[:port] as in the Host header
  auto operator<=>(const origin&) const = default;
};

struct client_options {
  std::size_t idle_per_origin = 32;
  rt::duration idle_timeout = std::chrono::seconds(50);  ///< less than servers' usual 60 to 75 s
  rt::duration connect_timeout = std::chrono::seconds(5);
  rt::duration response_timeout = std::chrono::seconds(60);  ///< until the head of the answer
  http_limits limits;
};

/// An answer whose body is read as it comes. Destroying it before the end closes the connection; at the end the
/// connection goes back to the pool by itself. It may outlive the client.
struct client_response {
  unsigned status = 0;
  net::headers headers;
  std::unique_ptr<body_reader> body;
  /// With status 101 only: the raw connection, now the caller's, and the bytes that came behind the answer's head.
  std::optional<exchange::upgraded> upgraded;
};

class http_client {
 public:
  explicit http_client(client_options = {}, std::shared_ptr<tls_context> tls = nullptr);
  ~http_client();

  /// Every request carries the `traceparent` of the task that sends it, when that task has a trace id.
  /// Sends `head` with `body` and waits for the head of the answer (1xx are skipped). Host and Content-Length are set
  /// here. An idempotent request that meets a connection closed while idle is sent again on a new one, once. A head
  /// with an Upgrade field always takes a new connection; see client_response::upgraded.
  /// @errors disconnected, timed_out, overloaded, invalid (answer not HTTP)
  rt::task<client_response> send(const origin&, request head, std::string body = {});
  /// Streams the request body: `length` announced, or chunked when unset. Not retried. An answer of 400 or more that
  /// comes before the body is sent ends the sending. A failure of `body` cuts the connection and is rethrown.
  rt::task<client_response> send(const origin&, request head, std::optional<std::uint64_t> length, body_reader& body);
  /// A fresh connection, outside the pool (WebSocket, watch).
  rt::task<stream_ptr> connect(const origin&);

  /// send(), then the whole body. Convenience for small answers.
  struct whole {
    unsigned status;
    net::headers headers;
    std::string body;
  };
  rt::task<whole> fetch(const origin&, request head, std::string body = {}, std::size_t limit = 16u << 20);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace atrium::net
