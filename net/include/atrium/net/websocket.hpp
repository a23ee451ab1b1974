/// @file websocket.hpp - WebSocket (RFC 6455) sessions, server and client. Layer: net.
#pragma once

#include "atrium/net/client.hpp"
#include "atrium/net/websocket_codec.hpp"

namespace atrium::net {

struct websocket_options {
  std::size_t message_bytes = 16u << 20;  ///< larger messages: close 1009
  rt::duration ping_interval = std::chrono::seconds(25);
  rt::duration dead_after = std::chrono::seconds(60);  ///< nothing received for so long: the peer is gone
  std::vector<std::string> protocols;                  ///< offered (client) or accepted (server), best first
  std::size_t send_queue_bytes = 4u << 20;             ///< what try_send may queue
};

struct websocket_message {
  bool binary = false;
  std::string data;  ///< valid UTF-8 when text
};

struct websocket_close {
  std::uint16_t code = 1000;
  std::string reason;
};

/// A message for many sessions, framed once; copies share its bytes.
class shared_message {
 public:
  shared_message(bool binary, std::string_view data);
  bool binary() const noexcept { return binary_; }
  std::string_view data() const noexcept { return std::string_view(*frame_).substr(head_); }
  /// As a server sends it.
  const std::shared_ptr<const std::string>& frame() const noexcept { return frame_; }

 private:
  std::shared_ptr<const std::string> frame_;
  std::uint8_t head_;
  bool binary_;
};

/// One session. receive() is for one task; send() may be called from several, messages go out whole and in the order of
/// the calls of send() and try_send(). An idle session holds no read buffer and runs no task.
/// @ownership destroying it cuts the connection; what was queued and not yet written is lost (close() first)
class websocket {
 public:
  virtual ~websocket() = default;
  /// The next message; nullopt when the session is closed (see close_reason()). Answers pings and closes by itself.
  /// @errors invalid (protocol error: closed with 1002 or 1007), overloaded (1009), disconnected (no close frame)
  virtual rt::task<std::optional<websocket_message>> receive() = 0;
  /// Waits while the peer does not take it: that is the backpressure. Where further messages of the peer have been read
  /// already, a small answer is queued and goes out with the next ones before receive() waits.
  /// @cancel while the bytes are being written the connection is cut, since half a frame cannot be taken back
  /// @errors disconnected (also after close())
  virtual rt::task<void> send(bool binary, std::span<const std::byte>) = 0;
  rt::task<void> send_text(std::string_view text) { return send(false, rt::as_bytes(text)); }
  rt::task<void> send_binary(std::span<const std::byte> bytes) { return send(true, bytes); }
  /// Queues without waiting; false when the peer is more than send_queue_bytes behind (drop it or let it resync).
  virtual bool try_send(bool binary, std::string message) = 0;
  virtual bool try_send(const shared_message&) = 0;
  /// Sends a close frame, waits a little for the peer's. Safe to call twice.
  virtual rt::task<void> close(std::uint16_t code = 1000, std::string_view reason = {}) = 0;
  /// Cuts without a close frame.
  virtual void abort() noexcept = 0;
  virtual const std::optional<websocket_close>& close_reason() const noexcept = 0;
  virtual std::string_view protocol() const noexcept = 0;
  /// Bytes that the peer's socket has not taken yet.
  virtual std::size_t queued_bytes() const noexcept = 0;
};

/// A session over a stream whose handshake is done; `buffered` was read from it already. For other handshakes and
/// tests.
std::unique_ptr<websocket> make_websocket(stream_ptr, websocket_role ours, websocket_options = {},
                                          std::string buffered = {}, std::string protocol = {});

/// Upgrades an exchange. @errors invalid (answered 400 or 426). The caller checks Origin and access before.
rt::task<std::unique_ptr<websocket>> accept_websocket(exchange&, websocket_options = {});

/// The same for servers of many idle sessions: `session` runs when the handler has returned, and nothing of the request
/// and its handler lives on meanwhile (exchange::upgrade). It is called once and lives until its task has ended.
using websocket_session = std::function<rt::task<void>(std::unique_ptr<websocket>)>;
rt::task<void> serve_websocket(exchange&, websocket_options, websocket_session session);

/// Connects and upgrades. `head` gives target and further headers.
/// @errors denied, unauthenticated, not_found by the peer's status; disconnected; timed_out
rt::task<std::unique_ptr<websocket>> connect_websocket(http_client&, const origin&, request head,
                                                       websocket_options = {});

/// The same by `send`, which sends the handshake in a way of its own (with credentials, say, or again when it is told
/// to wait) and gives the answer. @errors also those of `send`
using handshake_sender = std::function<rt::task<client_response>(request)>;
rt::task<std::unique_ptr<websocket>> connect_websocket(handshake_sender send, request head, websocket_options = {});

}  // namespace atrium::net
