#include <utility>

#include "websocket_session.hpp"

namespace atrium::net::ws {

namespace {

constexpr rt::duration close_limit = std::chrono::seconds(5);   // for the peer's close frame
constexpr rt::duration refuse_limit = std::chrono::seconds(1);  // for telling a peer that broke the protocol
constexpr std::size_t discard_limit = 1u << 20;

}  // namespace

void session_core::cut() noexcept {
  cut_ = true;
  stream_->abort();
  written_changed_.notify_all();
  ended_.set();
}

void session_core::abandon() noexcept {
  loop_.timers().cancel(timer_);
  flush_.unlink();
  write_queued();
  cut();
  writers_.cancel(rt::cancel_reason::disconnected);
}

void session_core::throw_disconnected() const {
  fail(disposition::disconnected, dead_ ? "The WebSocket connection was cut because the other side stopped answering."
                                        : "The WebSocket connection is closed.");
}

/// close() in another task reads what is left.
rt::task<std::optional<websocket_message>> session_core::wait_for_end() {
  co_await ended_.wait();
  co_return std::nullopt;
}

/// What receive() has to do when no message comes any more.
rt::task<std::optional<websocket_message>> session_core::receive_end(step why, event e) {
  if (why == step::refused) {
    const auto what = *refused_;
    co_await refuse(what);
    throw failure(what);
  }
  if (why == step::end) {
    const bool expected = close_sent_;
    cut();
    if (!expected) throw_disconnected();
    closed_by_ = websocket_close{1006, {}};
    co_return std::nullopt;
  }
  closed_by_ = websocket_close{e.code, std::move(e.data)};
  ended_.set();
  co_await send_close(e.code == 1005 ? 0 : e.code, {}, close_limit);
  co_await end_stream();
  co_return std::nullopt;
}

/// Tells the peer why, then lets it see that before the connection goes: closing with unread bytes would reset it.
rt::task<void> session_core::refuse(error why) {
  closed_by_ = websocket_close{close_code_of(why), why.public_text()};
  co_await send_close(closed_by_->code, closed_by_->reason, refuse_limit);
  co_await end_stream();
  unread_ = {};
  if (!cut_) {
    try {
      co_await rt::with_timeout(refuse_limit, discard_until_end());
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
    }
  }
  cut();
}

rt::task<void> session_core::discard_until_end() {
  for (std::size_t total = 0; total < discard_limit; total += lent_.bytes().size()) {
    lent_.release();
    lent_ = co_await stream_->receive();
    if (lent_.empty()) break;
  }
  lent_.release();
}

rt::task<void> session_core::close(std::uint16_t code, std::string reason) {
  const auto self = shared_from_this();
  std::exception_ptr failed;
  try {
    co_await send_close(code, reason, close_limit);
    if (!cut_) co_await rt::with_timeout(close_limit, finish_close());
    co_await end_stream();
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) failed = std::current_exception();
  }
  cut();
  if (!closed_by_) closed_by_ = websocket_close{1006, {}};
  if (failed) {
    writers_.cancel(rt::cancel_reason::disconnected);
    std::rethrow_exception(failed);
  }
  while (writing_) co_await written_changed_.wait();
}

/// Waits for the peer's close frame; messages that come before it are dropped.
rt::task<void> session_core::finish_close() {
  if (reading_) {
    co_await ended_.wait();
    co_return;
  }
  while (!closed_by_) {
    event e;
    const auto s = co_await read_step(e);
    if (s == step::message) continue;
    if (s == step::close) closed_by_ = websocket_close{e.code, std::move(e.data)};
    break;
  }
}

rt::task<void> session_core::send_close(std::uint16_t code, std::string_view reason, rt::duration limit) {
  if (!close_sent_ && !cut_) {
    close_sent_ = true;
    close_position_ = enqueue(opcode::close, close_payload(code, reason));
    flush();
  }
  try {
    co_await rt::with_timeout(limit, wait_written(close_position_));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    cut();
  }
}

/// Ends our direction, so that the close frame arrives before the end of the connection.
rt::task<void> session_core::end_stream() {
  while ((writing_ || (end_begun_ && !end_done_)) && !cut_) co_await written_changed_.wait();
  if (cut_ || end_done_) co_return;
  end_begun_ = true;
  try {
    co_await rt::with_timeout(std::chrono::seconds(2), stream_->shutdown_send());
  } catch (const failure& f) {
    cut();
    if (f.disposition() == disposition::cancelled) throw;
  }
  end_done_ = true;
  written_changed_.notify_all();
}

void session_core::keepalive_timer::fired(rt::timer_entry& entry) noexcept {
  static_cast<keepalive_timer&>(entry).core.keep_alive();
}

void session_core::arm_keepalive() noexcept {
  if (options_.ping_interval <= rt::duration::zero()) return;
  loop_.timers().arm(timer_, loop_.now() + std::min(options_.ping_interval, options_.dead_after));
}

void session_core::keep_alive() noexcept {
  if (cut_) return;
  const auto now = loop_.now();
  // Silence counts only while somebody listens: a handler that is busy does not make its peer look dead.
  // Nor does a ping count that still stands behind a large message on a slow link: `stuck` watches that message.
  auto silent_since = std::max(heard_, reading_since_);
  if (ping_waits_) silent_since = ping_written_ ? std::max(silent_since, *ping_written_ - options_.ping_interval) : now;
  const bool silent = reading_ && now - silent_since >= options_.dead_after;
  const bool stuck = writing_ && now - progress_ >= options_.dead_after;
  if (silent || stuck) {
    dead_ = true;
    return cut();
  }
  if (now - heard_ >= options_.ping_interval && !ping_waits_ && !close_sent_) {
    ping_waits_ = true;
    ping_written_.reset();
    ping_position_ = enqueue(opcode::ping, {});
    flush_soon();
  }
  arm_keepalive();
}

}  // namespace atrium::net::ws
