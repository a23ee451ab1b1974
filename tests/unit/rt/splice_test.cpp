// Bytes that cross from socket to socket inside the kernel.
#include "atrium/rt/splice.hpp"

#include "tests/support/backends.hpp"

namespace atrium::rt {
namespace {

ATRIUM_ON_BACKENDS(Splicing);

task<std::string> read_to_end(socket& s) {
  std::string out;
  std::byte buffer[4096];
  while (const auto n = co_await s.recv_some(buffer)) out += as_text(std::span(buffer).first(n));
  co_return out;
}

TEST_P(Splicing, KeepsOrderAndWaitsForRoom) {
  run([]() -> task<> {
    auto [source, in] = socket_pair();
    auto [out, sink] = socket_pair();
    std::string sent(3'000'000, '\0');
    unsigned seed = 1;
    for (auto& c : sent) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
    co_await all(
        [](rt::socket& to, const std::string& what) -> task<> {
          co_await to.send_all(as_bytes(what));
          to.shutdown_send();
        }(source, sent),
        [](rt::socket& from, rt::socket& to) -> task<> {
          for (std::size_t n = 1; n > 0;) {
            splice_pipe pipe;
            EXPECT_TRUE(pipe.good());
            n = co_await pipe.fill(from);
            co_await pipe.drain(to);  // the receiver is slow: waits for room
          }
          to.shutdown_send();
        }(in, out),
        [](rt::socket& from, const std::string& expected) -> task<> {
          EXPECT_TRUE(co_await read_to_end(from) == expected);
        }(sink, sent));
  }());
}

TEST_P(Splicing, ToAGoneReaderFailsAndLeavesNothingInThePool) {
  run([]() -> task<> {
    auto [source, in] = socket_pair();
    auto [out, sink] = socket_pair();
    co_await source.send_all(as_bytes("lost"));
    sink.close();
    {
      splice_pipe pipe;
      EXPECT_EQ(co_await pipe.fill(in), 4u);
      std::optional<disposition> failed;
      try {
        co_await pipe.drain(out);
      } catch (const failure& f) {
        failed = f.disposition();
      }
      EXPECT_EQ(failed, disposition::disconnected);
    }
    auto [next_out, next_sink] = socket_pair();
    co_await source.send_all(as_bytes("kept"));
    splice_pipe pipe;
    EXPECT_EQ(co_await pipe.fill(in), 4u);
    co_await pipe.drain(next_out);
    next_out.shutdown_send();
    EXPECT_EQ(co_await read_to_end(next_sink), "kept");
  }());
}

}  // namespace
}  // namespace atrium::rt
