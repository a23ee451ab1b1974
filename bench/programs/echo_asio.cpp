// The peer of bench_echo_server: Asio's coroutines on its epoll reactor, with the hint that one thread runs it.
#include "counter.hpp"

#include <boost/asio.hpp>
#include <cstdio>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

asio::awaitable<void> echo(tcp::socket s) {
  char buffer[4096];
  try {
    for (;;) {
      const auto n = co_await s.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(s, asio::buffer(buffer, n), asio::use_awaitable);
    }
  } catch (const std::exception&) {
  }
}

asio::awaitable<void> serve() {
  auto context = co_await asio::this_coro::executor;
  tcp::acceptor from(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("%u\n", unsigned(from.local_endpoint().port()));
  std::fflush(stdout);
  for (;;) {
    auto s = co_await from.async_accept(asio::use_awaitable);
    s.set_option(tcp::no_delay(true));
    asio::co_spawn(context, echo(std::move(s)), asio::detached);
  }
}

}  // namespace

int main() {
  bench::publish_counter();
  asio::io_context context(1);
  asio::co_spawn(context, serve(), asio::detached);
  context.run();
}
