#include <utility>

#include "websocket_session.hpp"

namespace atrium::net::ws {

namespace {

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

session_core::session_core(stream_ptr s, websocket_role ours, websocket_options options, std::string buffered,
                           std::string name)
    : stream_(std::move(s)),
      loop_(rt::loop::current()),
      progress_(loop_.now()),
      ours_(ours),
      options_(std::move(options)),
      heard_(progress_),
      reading_since_(progress_),
      decoder_(ours == websocket_role::server ? websocket_role::client : websocket_role::server,
               options_.message_bytes),
      early_(std::move(buffered)),
      protocol_(std::move(name)) {
  unread_ = rt::as_bytes(early_);
  arm_keepalive();
}

void session_core::release_input() noexcept {
  unread_ = {};
  lent_.release();
  if (early_.capacity() > 0) std::string().swap(early_);
}

/// Takes what has been read as far as it goes. Pings are answered here.
session_core::step session_core::decode(event& e) {
  for (;;) {
    auto r = decoder_.feed(unread_);
    if (!r) {
      refused_ = std::make_unique<error>(r.error());
      return step::refused;
    }
    if (!*r) return step::more;
    e = std::move(**r);
    if (e.what == event::kind::ping) answer_ping(std::move(e.data));
    else if (e.what != event::kind::pong) break;
  }
  if (unread_.empty()) release_input();
  return e.what == event::kind::close ? step::close : step::message;
}

/// Reads until there is something to say. An idle session waits here, without a buffer.
rt::task<session_core::step> session_core::read_step(event& e) {
  const flag_guard reading(reading_);
  for (;;) {
    const auto s = decode(e);
    if (s != step::more) co_return s;
    if (cut_) co_return step::end;
    release_input();
    reading_since_ = loop_.now();
    lent_ = co_await stream_->receive();
    heard_ = loop_.now();
    ping_waits_ = false;  // whatever comes answers a ping
    unread_ = lent_.bytes();
    if (unread_.empty()) co_return step::end;
  }
}

rt::task<std::optional<websocket_message>> session_core::receive() {
  const auto self = shared_from_this();
  if (reading_) co_return co_await wait_for_end();
  if (closed_by_) co_return std::nullopt;
  event e;
  auto s = cut_ ? step::end : decode(e);
  if (s == step::more) {
    try {
      s = co_await read_step(e);
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      s = step::end;
    }
  }
  if (s == step::message) co_return websocket_message{e.what == event::kind::binary, std::move(e.data)};
  co_return co_await receive_end(s, std::move(e));
}

namespace {

class session final : public websocket {
 public:
  explicit session(std::shared_ptr<session_core> core) noexcept : core_(std::move(core)) {}
  ~session() override { core_->abandon(); }
  rt::task<std::optional<websocket_message>> receive() override { return core_->receive(); }
  rt::task<void> send(bool binary, std::span<const std::byte> data) override { return core_->send(binary, data); }
  bool try_send(bool binary, std::string message) override { return core_->try_send(binary, std::move(message)); }
  bool try_send(const shared_message& message) override { return core_->try_send(message); }
  rt::task<void> close(std::uint16_t code, std::string_view reason) override {
    return core_->close(code, std::string(reason));
  }
  void abort() noexcept override { core_->cut(); }
  const std::optional<websocket_close>& close_reason() const noexcept override { return core_->closed_by(); }
  std::string_view protocol() const noexcept override { return core_->protocol(); }
  std::size_t queued_bytes() const noexcept override { return core_->queued_bytes(); }

 private:
  std::shared_ptr<session_core> core_;
};

}  // namespace
}  // namespace atrium::net::ws

namespace atrium::net {

shared_message::shared_message(bool binary, std::string_view data) : binary_(binary) {
  const auto op = binary ? ws::opcode::binary : ws::opcode::text;
  auto frame = ws::make_frame(op, rt::as_bytes(data), {});
  head_ = static_cast<std::uint8_t>(frame.size() - data.size());
  frame_ = std::make_shared<const std::string>(std::move(frame));
}

std::unique_ptr<websocket> make_websocket(stream_ptr stream, websocket_role ours, websocket_options options,
                                          std::string buffered, std::string protocol) {
  return std::make_unique<ws::session>(std::make_shared<ws::session_core>(std::move(stream), ours, std::move(options),
                                                                          std::move(buffered), std::move(protocol)));
}

}  // namespace atrium::net
