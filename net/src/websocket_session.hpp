/// @file websocket_session.hpp - what a WebSocket session is made of; shared by its handle and its writer. Layer: net.
#pragma once

#include "atrium/net/websocket.hpp"
#include "atrium/rt/sync.hpp"
#include "websocket_output.hpp"

namespace atrium::net::ws {

/// Outgoing frames stand in one queue (output). Whoever finds the stream's write side free writes, without waiting: a
/// send() at once; what try_send() and answers to a batch of messages add, in one piece when the tasks that are ready
/// have run. What the kernel does not take is left to a writer task that lives only while there is something to write.
/// It owns a share of the core, so a handle may be destroyed at any time; it is the one task of net that no caller's
/// scope joins (close() waits for it). An idle session holds no buffer and two small frames.
class session_core : public std::enable_shared_from_this<session_core> {
 public:
  session_core(stream_ptr, websocket_role ours, websocket_options, std::string buffered, std::string protocol);

  rt::task<std::optional<websocket_message>> receive();
  rt::task<void> send(bool binary, std::span<const std::byte> data);
  bool try_send(bool binary, std::string message);
  bool try_send(const shared_message&);
  rt::task<void> close(std::uint16_t code, std::string reason);
  void cut() noexcept;
  /// The handle is gone.
  void abandon() noexcept;
  std::size_t queued_bytes() const noexcept { return static_cast<std::size_t>(enqueued_ - written_); }

  const std::optional<websocket_close>& closed_by() const noexcept { return closed_by_; }
  std::string_view protocol() const noexcept { return protocol_; }

 private:
  struct keepalive_timer : rt::timer_entry {
    explicit keepalive_timer(session_core& owner) noexcept : timer_entry(&fired), core(owner) {}
    static void fired(rt::timer_entry&) noexcept;
    session_core& core;
  };
  struct flush_call : rt::deferred_call {
    explicit flush_call(session_core& owner) noexcept : deferred_call(&run), core(owner) {}
    static void run(rt::deferred_call&) noexcept;
    session_core& core;
  };

  /// Bytes that the peer sent are here and nobody has looked at them yet.
  bool reading_ready() const noexcept { return !unread_.empty() && !reading_; }

  // Writing (websocket_session_write.cpp).
  std::optional<mask_key> mask() const;
  bool has_room(std::size_t bytes) const noexcept;
  /// Gives the position behind the frame: wait_written() waits for it.
  std::uint64_t enqueue(opcode, std::string payload);
  void flush_soon() noexcept;
  void flush();
  void write_queued() noexcept;
  void wrote(std::size_t bytes) noexcept;
  void start_writer();
  static rt::task<void> run_writer(std::shared_ptr<session_core>);
  rt::task<void> write_batch(output);
  rt::task<void> write_large(opcode, std::span<const std::byte> payload);
  rt::task<void> write_up_to(std::uint64_t position);
  rt::task<void> write_here(rt::task<void> body);
  rt::task<void> wait_written(std::uint64_t position);

  // Ending and keeping alive (websocket_session_end.cpp).
  /// Queues a close frame unless one was, then waits until it is written, at most for `limit`.
  rt::task<void> send_close(std::uint16_t code, std::string_view reason, rt::duration limit);
  rt::task<void> end_stream();
  rt::task<void> refuse(error);
  rt::task<void> discard_until_end();
  rt::task<void> finish_close();
  void keep_alive() noexcept;
  void arm_keepalive() noexcept;
  [[noreturn]] void throw_disconnected() const;

  // Reading (websocket_session_read.cpp).
  enum class step : std::uint8_t { message, close, more, refused, end };
  step decode(event&);
  rt::task<step> read_step(event&);
  void release_input() noexcept;
  rt::task<std::optional<websocket_message>> receive_end(step, event);
  // Not inlined: its frame would be a part of every idle receive()'s.
  [[gnu::noinline]] rt::task<std::optional<websocket_message>> wait_for_end();
  void answer_ping(std::string payload);

  // What a message out touches stands together, then what a message in touches, then the rest.
  stream_ptr stream_;
  rt::loop& loop_;
  output output_;
  std::uint64_t enqueued_ = 0, written_ = 0;  // bytes of all frames that ever went through output_
  flush_call flush_{*this};
  rt::condition written_changed_;
  rt::time_point progress_;
  const websocket_role ours_;
  bool writing_ = false, cut_ = false, close_sent_ = false, reading_ = false, ping_waits_ = false, dead_ = false;
  bool end_begun_ = false, end_done_ = false;
  std::uint8_t pongs_ = 0;  // queued up to pong_position_
  const websocket_options options_;

  rt::lent_bytes lent_;
  std::span<const std::byte> unread_;  // in early_ or lent_
  rt::time_point heard_, reading_since_;
  decoder decoder_;
  std::string early_;               // read before the session began
  std::unique_ptr<error> refused_;  // what the peer did wrong
  rt::event ended_;                 // the peer's close frame or the end of the stream was seen

  std::uint64_t close_position_ = 0, ping_position_ = 0, pong_position_ = 0;
  std::optional<rt::time_point> ping_written_;  // when the stream took the ping that waits
  keepalive_timer timer_{*this};
  rt::scope writers_;
  std::optional<websocket_close> closed_by_;
  std::string protocol_;
};

}  // namespace atrium::net::ws
