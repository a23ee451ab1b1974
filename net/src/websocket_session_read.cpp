#include <utility>

#include "websocket_session.hpp"

namespace atrium::net::ws {

namespace {

constexpr rt::duration close_limit = std::chrono::seconds(5);   // for the peer's close frame
constexpr rt::duration refuse_limit = std::chrono::seconds(1);  // for telling a peer that broke the protocol
constexpr std::size_t discard_limit = 1u << 20;

/// Sets a flag while it lives.
class flag_guard {
 public:
  explicit flag_guard(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  ~flag_guard() { flag_ = false; }
  flag_guard(const flag_guard&) = delete;

 private:
  bool& flag_;
};

}  // namespace

/// False at the end of the stream.
rt::task<bool> session_core::read_more() {
  early_ = {};
  buffer_.release();
  reading_since_ = loop_.now();
  co_await stream_->wait_readable();
  const auto into = buffer_.borrow();
  const auto n = co_await stream_->read_some(into);
  heard_ = loop_.now();
  ping_waits_ = false;  // whatever comes answers a ping
  unread_ = into.first(n);
  co_return n > 0;
}

/// The next message or close; nullopt at the end of the stream. Pings are answered here.
rt::task<std::optional<event>> session_core::next_event() {
  flag_guard reading(reading_);
  for (;;) {
    auto r = decoder_.feed(unread_);
    if (!r) throw failure(r.error());
    if (!r->has_value()) {
      if (cut_ || !co_await read_more()) co_return std::nullopt;
      continue;
    }
    auto& e = **r;
    if (e.what == event::kind::ping) {
      answer_ping(std::move(e.data));
    } else if (e.what != event::kind::pong) {
      if (unread_.empty()) {
        early_ = {};
        buffer_.release();
      }
      co_return std::move(*r);
    }
  }
}

rt::task<std::optional<websocket_message>> session_core::receive() {
  auto self = shared_from_this();
  if (reading_) {  // close() in another task reads what is left
    co_await ended_.wait();
    co_return std::nullopt;
  }
  if (closed_by) co_return std::nullopt;
  std::optional<event> e;
  std::optional<error> lost;
  try {
    if (!cut_) e = co_await next_event();
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    lost = f.error();
  }
  if (lost && lost->code().starts_with("websocket.")) {
    co_await refuse(*lost);
    throw failure(*lost);
  }
  if (e && e->what != event::kind::close)
    co_return websocket_message{e->what == event::kind::binary, std::move(e->data)};
  if (!e) {
    const bool expected = close_sent_;
    cut();
    if (!expected) throw_disconnected();
    closed_by = websocket_close{1006, {}};
    co_return std::nullopt;
  }
  peer_closed_ = true;
  closed_by = websocket_close{e->code, std::move(e->data)};
  ended_.set();
  co_await send_close(e->code == 1005 ? 0 : e->code, {}, close_limit);
  co_await end_stream();
  co_return std::nullopt;
}

/// Tells the peer why, then lets it see that before the connection goes: closing with unread bytes would reset it.
rt::task<void> session_core::refuse(const error& why) {
  closed_by = websocket_close{close_code_of(why), why.public_text()};
  co_await send_close(closed_by->code, closed_by->reason, refuse_limit);
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
  for (std::size_t total = 0; total < discard_limit; total += unread_.size())
    if (!co_await read_more()) break;
  unread_ = {};
}

rt::task<void> session_core::close(std::uint16_t code, std::string reason) {
  auto self = shared_from_this();
  std::exception_ptr failed;
  try {
    co_await send_close(code, reason, close_limit);
    if (!cut_) co_await rt::with_timeout(close_limit, finish_close());
    co_await end_stream();
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) failed = std::current_exception();
  }
  cut();
  if (!closed_by) closed_by = websocket_close{1006, {}};
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
  while (!closed_by) {
    auto e = co_await next_event();
    if (e && e->what != event::kind::close) continue;
    if (e) closed_by = websocket_close{e->code, std::move(e->data)};
    break;
  }
}

namespace {

class session final : public websocket {
 public:
  explicit session(std::shared_ptr<session_core> core) noexcept : core_(std::move(core)) {}
  ~session() override { core_->abandon(); }
  rt::task<std::optional<websocket_message>> receive() override { return core_->receive(); }
  rt::task<void> send(bool binary, std::span<const std::byte> data) override { return core_->send(binary, data); }
  bool try_send(bool binary, std::string message) override { return core_->try_send(binary, std::move(message)); }
  rt::task<void> close(std::uint16_t code, std::string_view reason) override {
    return core_->close(code, std::string(reason));
  }
  void abort() noexcept override { core_->cut(); }
  const std::optional<websocket_close>& close_reason() const noexcept override { return core_->closed_by; }
  std::string_view protocol() const noexcept override { return core_->protocol; }

 private:
  std::shared_ptr<session_core> core_;
};

}  // namespace
}  // namespace atrium::net::ws

namespace atrium::net {

std::unique_ptr<websocket> make_websocket(stream_ptr stream, websocket_role ours, websocket_options options,
                                          std::string buffered, std::string protocol) {
  return std::make_unique<ws::session>(std::make_shared<ws::session_core>(std::move(stream), ours, std::move(options),
                                                                          std::move(buffered), std::move(protocol)));
}

}  // namespace atrium::net
