#include "apps/devcluster/agent/exec.hpp"
#include "atrium/net/websocket.hpp"

namespace atrium::devcluster {

namespace {

constexpr unsigned char close_channel = 255;  // v5: the byte behind it names the channel that ends

class websocket_transport final : public exec_transport {
 public:
  explicit websocket_transport(std::unique_ptr<net::websocket> session) : session_(std::move(session)) {}

  rt::task<std::optional<message>> receive() override {
    while (auto m = co_await session_->receive()) {
      if (m->data.empty()) continue;
      const auto first = static_cast<unsigned char>(m->data[0]);
      if (first == close_channel && m->data.size() >= 2) co_return message{static_cast<channel>(m->data[1]), {}, true};
      if (first > 4) continue;
      co_return message{static_cast<channel>(first), m->data.substr(1), false};
    }
    co_return std::nullopt;
  }

  rt::task<void> send(channel on, std::span<const std::byte> bytes) override {
    std::string frame(1, static_cast<char>(on));
    frame += rt::as_text(bytes);
    co_await session_->send_binary(rt::as_bytes(frame));
  }

  rt::task<void> finish(std::string status) override {
    co_await send(channel::status, rt::as_bytes(status));
    co_await session_->close(1000);
  }

 private:
  std::unique_ptr<net::websocket> session_;
};

}  // namespace

rt::task<std::unique_ptr<exec_transport>> accept_websocket_exec(net::exchange& ex) {
  co_return std::make_unique<websocket_transport>(
      co_await net::accept_websocket(ex, {.protocols = {"v5.channel.k8s.io", "v4.channel.k8s.io"}}));
}

}  // namespace atrium::devcluster
