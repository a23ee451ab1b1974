/// @file server.hpp - HTTP/1.1 server: limits, timeouts, streaming bodies, upgrades, draining. Layer: net.
///
/// Framing is strict: what two parsers could read in two ways is refused with 400 and the connection closed (both
/// Content-Length and Transfer-Encoding, repeated or listed lengths, bare LF, obs-fold, NUL, odd chunk sizes, ...).
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "atrium/net/http.hpp"
#include "atrium/net/stream.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::net {

class tls_context;

struct http_limits {
  std::size_t head_bytes = 32 * 1024;
  std::size_t header_count = 100;
  std::size_t target_bytes = 8 * 1024;
  std::uint64_t body_bytes = 16u << 20;                  ///< default; a handler may raise it with exchange::allow_body
  rt::duration head_timeout = std::chrono::seconds(15);  ///< from first byte to end of head
  rt::duration idle_timeout = std::chrono::seconds(75);  ///< between requests
  rt::duration body_timeout = std::chrono::seconds(30);  ///< without any progress of a body, either direction
  /// The same for answers that a server streams: a download may be paused, and costs little meanwhile. One for all
  /// hops, so that the one next to the client ends it.
  rt::duration answer_timeout = std::chrono::minutes(10);
  std::size_t connections = 20'000;      ///< beyond, clients wait in the kernel's queue
  unsigned connections_per_address = 0;  ///< beyond, a client gets 503 at once; 0: as many as it likes
};

/// Reads a message body piece by piece.
class body_reader {
 public:
  virtual ~body_reader() = default;
  /// Bytes read, 0 at the end. @errors invalid (bad framing), overloaded (limit: answered 413), timed_out, disconnected
  virtual rt::task<std::size_t> read_some(std::span<std::byte> into) = 0;
  /// Length when announced.
  virtual std::optional<std::uint64_t> length() const noexcept = 0;
  virtual bool finished() const noexcept = 0;
  /// The rest as text, at most `limit` bytes. @errors overloaded beyond it
  rt::task<std::string> text(std::size_t limit = 1u << 20);
};

/// Writes a response body of unknown or announced length.
class body_writer {
 public:
  virtual ~body_writer() = default;
  virtual rt::task<void> write(std::span<const std::byte>) = 0;
  rt::task<void> write(std::string_view text) { return write(rt::as_bytes(text)); }
  /// Ends the body. Not calling it aborts the connection, so that the client sees that the body is cut.
  virtual rt::task<void> finish() = 0;
};

/// One request and its answer, inside a handler. Valid until the handler returns.
class exchange {
 public:
  virtual ~exchange() = default;
  const net::request& request() const noexcept { return request_; }
  net::request& request() noexcept { return request_; }
  body_reader& body() noexcept { return *body_; }
  /// Value of `{name}` in the route's pattern, decoded; empty when there is none.
  std::string_view parameter(std::string_view name) const noexcept;
  void set_parameter(std::string name, std::string value) { parameters_[std::move(name)] = std::move(value); }
  rt::endpoint peer() const { return peer_; }
  /// The peer's IP address as text; 127.0.0.1 for whoever came by a Unix socket.
  std::string_view peer_address() const noexcept { return peer_address_; }
  bool secure() const noexcept { return secure_; }
  bool responded() const noexcept { return responded_; }
  /// Status that was answered, 0 before.
  unsigned status() const noexcept { return status_; }
  /// Pattern of the route that took this request, empty when none did: the label for metrics and logs.
  const std::string& route() const noexcept { return route_; }
  void set_route(std::string pattern) { route_ = std::move(pattern); }
  /// Raises (or lowers) the limit of this request's body, before it is read.
  virtual void allow_body(std::uint64_t bytes) = 0;

  /// Answers with a whole response. Content-Length, Date and Connection are set here. Once per exchange.
  virtual rt::task<void> respond(response) = 0;
  /// The same with a body that stands elsewhere and lives until the task ends; that of `head` is ignored.
  virtual rt::task<void> respond(response head, std::string_view body) = 0;
  /// Sends the head now and lets the handler write the body; chunked unless `head` has a Content-Length.
  virtual rt::task<std::unique_ptr<body_writer>> start(response head) = 0;
  /// Sends 101 with these headers and hands the raw stream over, with bytes that were already read from it.
  /// The server forgets the connection: it lives as long as the handler keeps the stream.
  struct upgraded {
    stream_ptr stream;
    std::string buffered;
  };
  virtual rt::task<upgraded> upgrade(net::headers) = 0;
  /// The same for connections that live long: `session` runs on it when the handler has returned and everything that
  /// the request needed is freed, as a part of the connection's task. What it throws is logged.
  using upgraded_session = std::function<rt::task<void>(upgraded)>;
  virtual rt::task<void> upgrade(net::headers, upgraded_session session) = 0;
  /// Returns when the client has left. For handlers that answer for long and would not notice while they have nothing
  /// to write. Call after start(), when the request's body has been read; the connection ends with this exchange.
  /// @cancel fine at any time
  virtual rt::task<void> peer_gone() = 0;

 protected:
  net::request request_;
  body_reader* body_ = nullptr;  ///< of the implementation
  std::map<std::string, std::string, std::less<>> parameters_;
  rt::endpoint peer_;
  std::string_view peer_address_;
  std::string route_;
  unsigned status_ = 0;
  bool secure_ = false, responded_ = false;
};

/// Answers an exchange. A failure thrown before the answer is sent becomes response::of(error), others 500; both are
/// logged.
using handler = std::function<rt::task<void>(exchange&)>;

/// Finds a handler by method and path. Patterns: "/a/{x}/b", "/files/{path*}" (rest of the path, with slashes).
/// Literal segments win over parameters, parameters over rests. HEAD is served by GET routes. 405 carries Allow.
class router {
 public:
  /// `method` "*" takes all methods.
  void add(std::string method, std::string pattern, handler);
  void otherwise(handler);
  rt::task<void> operator()(exchange&) const;

 private:
  struct route {
    std::string method;
    std::vector<std::string> segments;
    handler handle;
    std::string pattern;
  };
  std::vector<route> routes_;
  handler otherwise_;
};

/// Whose `traceparent` (W3C Trace Context) is taken over; every other request gets a new trace id. Null: everybody's.
using trace_policy = std::function<bool(const request&)>;

/// A handler runs with the request's trace id (rt::task_node::trace), so that its log records and what it asks of
/// others (net::http_client) carry it.
class http_server {
 public:
  explicit http_server(handler, http_limits = {}, trace_policy = nullptr);
  ~http_server();

  /// Accepts and serves until drain() has finished or this task is cancelled (then connections are cut).
  rt::task<void> serve(rt::listener&, tls_context* tls = nullptr);
  /// Serves one connection that is already there. What goes wrong on it is logged, not thrown. @errors only cancelled
  rt::task<void> serve_connection(stream_ptr);
  /// Stops accepting, ends idle connections, lets running exchanges finish (answers carry Connection: close) for at
  /// most `grace`, then cancels what is left. Upgraded connections are told by `on_drain` hooks of their owners.
  rt::task<void> drain(rt::duration grace);
  bool draining() const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace atrium::net
