#include "atrium/net/stream.hpp"

namespace atrium::net {

rt::task<rt::lent_bytes> stream::receive() {
  co_await wait_readable();
  auto buffer = rt::lent_bytes::borrow();
  buffer.shrink(co_await read_some(buffer.bytes()));
  co_return buffer;
}

namespace {

class plain_stream final : public stream {
 public:
  explicit plain_stream(rt::socket s) : socket_(std::move(s)) {}
  rt::task<std::size_t> read_some(std::span<std::byte> into) override { co_return co_await socket_.recv_some(into); }
  rt::task<rt::lent_bytes> receive() override { co_return co_await socket_.receive(); }
  rt::task<void> write_all(std::span<const std::byte> from) override { return socket_.send_all(from); }
  rt::task<void> write_all(std::span<iovec> parts) override { return socket_.send_all(parts); }
  std::size_t try_read(std::span<std::byte> into) noexcept override { return socket_.try_recv(into); }
  std::size_t try_write(std::span<const iovec> parts) noexcept override { return socket_.try_send(parts); }
  rt::task<void> wait_readable() override { co_await socket_.wait_readable(); }
  rt::task<void> shutdown_send() override {
    socket_.shutdown_send();
    co_return;
  }
  void abort() noexcept override { socket_.shutdown(); }
  rt::endpoint peer() const override { return socket_.peer(); }
  bool secure() const noexcept override { return false; }
  rt::socket* plain_socket() noexcept override { return &socket_; }

 private:
  rt::socket socket_;
};

}  // namespace

stream_ptr make_stream(rt::socket s) { return std::make_unique<plain_stream>(std::move(s)); }

}  // namespace atrium::net
