// TCP echo on our runtime: bench_echo_server io_uring|epoll. Prints its port.
#include "counter.hpp"

#include <cstdio>
#include <cstring>

#include "atrium/rt/io.hpp"
#include "atrium/rt/loop.hpp"

using namespace atrium;

namespace {

rt::task<void> echo(rt::socket s) {
  std::byte buffer[4096];
  try {
    while (const auto n = co_await s.recv_some(buffer)) co_await s.send_all(std::span(buffer).first(n));
  } catch (const failure&) {
  }
}

rt::task<void> serve() {
  auto from = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  std::printf("%u\n", unsigned(from.local().port()));
  std::fflush(stdout);
  rt::scope connections(&co_await rt::this_task());
  for (;;) connections.spawn(echo(co_await from.accept()), "echo");
}

}  // namespace

int main(int, char** argv) {
  bench::publish_counter();
  rt::loop loop(std::strcmp(argv[1], "epoll") == 0 ? rt::backend_kind::epoll : rt::backend_kind::io_uring);
  loop.run(serve());
}
