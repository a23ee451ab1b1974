/// @file websocket_session.hpp - what a WebSocket session is made of; shared by its handle and its writer. Layer: net.
#pragma once

#include "atrium/net/websocket.hpp"
#include "atrium/rt/sync.hpp"
#include "read_buffer.hpp"

namespace atrium::net::ws {

/// Outgoing frames stand in one queue. Whoever finds the stream's write side free writes: send() itself when nothing is
/// queued; else all that was queued goes out at once when the tasks that are ready have run (flush), so that many small
/// frames cost one system call. What the kernel does not take then is left to a writer task that lives only while there
/// is something to write. Both own a share of the core, so a handle may be destroyed at any time; the writer is the one
/// task of net that no caller's scope joins (close() waits for it).
class session_core : public std::enable_shared_from_this<session_core> {
 public:
  session_core(stream_ptr, websocket_role ours, websocket_options, std::string buffered, std::string protocol);
  ~session_core();

  rt::task<std::optional<websocket_message>> receive();
  rt::task<void> send(bool binary, std::span<const std::byte> data);
  bool try_send(bool binary, std::string message);
  rt::task<void> close(std::uint16_t code, std::string reason);
  void cut() noexcept;
  /// The handle is gone.
  void abandon() noexcept;

  std::optional<websocket_close> closed_by;
  std::string protocol;

 private:
  struct outgoing {
    frame_head head;
    std::string payload;
    std::size_t sent = 0;  // bytes of it that are out already
    std::size_t bytes() const noexcept { return head.size + payload.size(); }
  };
  struct keepalive_timer : rt::timer_entry {
    explicit keepalive_timer(session_core& owner) noexcept : timer_entry(&fired), core(owner) {}
    static void fired(rt::timer_entry&) noexcept;
    session_core& core;
  };

  /// Bytes that the peer sent are here and nobody has looked at them yet.
  bool reading_ready() const noexcept { return !unread_.empty() && !reading_; }

  // Writing (websocket_session_write.cpp).
  std::uint64_t enqueue(opcode, std::string payload);
  static frame_head rest_of_head(const outgoing&) noexcept;
  static std::span<const std::byte> rest_of_payload(const outgoing&) noexcept;
  static std::size_t collect(const std::vector<outgoing>&, std::size_t from, std::vector<iovec>& parts,
                             std::size_t& bytes);
  struct deferred;
  static deferred run_flush(std::shared_ptr<session_core>);
  void schedule_flush();
  void flush();
  void write_queued();
  void start_writer();
  static rt::task<void> run_writer(std::shared_ptr<session_core>);
  rt::task<void> write_batch(std::vector<outgoing>& batch);
  rt::task<void> write_pieces(frame_head head, std::span<const std::byte> payload);
  rt::task<void> write_now(opcode, std::span<const std::byte> payload);
  rt::task<void> wait_written(std::uint64_t ticket);
  /// Queues a close frame unless one was, then waits until it is written, at most for `limit`.
  rt::task<void> send_close(std::uint16_t code, std::string_view reason, rt::duration limit);
  rt::task<void> end_stream();
  void keep_alive() noexcept;
  void arm_keepalive() noexcept;

  // Reading (websocket_session_read.cpp).
  rt::task<std::optional<event>> next_event();
  rt::task<bool> read_more();
  rt::task<void> refuse(const error&);
  rt::task<void> discard_until_end();
  rt::task<void> finish_close();
  void answer_ping(std::string payload);
  [[noreturn]] void throw_disconnected() const;

  stream_ptr stream_;
  const websocket_role ours_;
  const websocket_options options_;
  rt::loop& loop_;

  decoder decoder_;
  std::string early_;  // read before the session began
  read_buffer buffer_;
  std::span<const std::byte> unread_;  // in early_ or buffer_
  bool reading_ = false, peer_closed_ = false;
  rt::event ended_;  // the peer's close frame or the end of the stream was seen

  std::vector<outgoing> queue_;
  std::size_t queued_bytes_ = 0;  // in queue_ and in the batch being written
  std::uint64_t enqueued_ = 0, written_ = 0;
  bool writing_ = false, flush_scheduled_ = false, close_sent_ = false, cut_ = false, dead_ = false;
  bool end_begun_ = false, end_done_ = false;
  std::uint64_t close_ticket_ = 0;
  rt::condition written_changed_;
  rt::scope writers_;

  rt::time_point heard_, reading_since_, progress_;
  bool ping_waits_ = false;
  std::uint64_t ping_ticket_ = 0;               // of the ping that waits
  std::optional<rt::time_point> ping_written_;  // when the stream took it
  keepalive_timer timer_{*this};
};

}  // namespace atrium::net::ws
