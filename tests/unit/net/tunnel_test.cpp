// The raw tunnel: both directions, half-close, breakage, cancellation.
#include "net/src/tunnel.hpp"

#include "tests/support/backends.hpp"

namespace atrium::net {
namespace {

ATRIUM_ON_BACKENDS(Tunnel);

struct fixture {
  rt::socket client, server;  // the outer ends
  tunnel_end a, b;            // the tunnel's ends
  fixture() {
    auto [c, a_in] = rt::socket_pair();
    auto [s, b_in] = rt::socket_pair();
    client = std::move(c), server = std::move(s);
    a.stream = make_stream(std::move(a_in)), b.stream = make_stream(std::move(b_in));
  }
};

rt::task<void> send(rt::socket& to, std::string text, bool end) {
  co_await to.send_all(rt::as_bytes(text));
  if (end) to.shutdown_send();
}
rt::task<std::string> read_to_end(rt::socket& from) {
  std::string out;
  std::byte buffer[32768];
  while (const auto n = co_await from.recv_some(buffer)) out.append(rt::as_text(std::span(buffer).first(n)));
  co_return out;
}
rt::task<std::string> read_exactly(rt::socket& from, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t have = 0; have < size;)
    have += co_await from.recv_some(std::as_writable_bytes(std::span(out).subspan(have)));
  co_return out;
}
rt::task<void> expect_to_end(rt::socket& from, std::string expected) {
  EXPECT_TRUE(co_await read_to_end(from) == expected);
}

std::string pattern(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return out;
}

TEST_P(Tunnel, CarriesBothDirectionsAndWhatWasReadBefore) {
  run([]() -> rt::task<void> {
    fixture f;
    f.a.buffered = "early up ";
    f.b.buffered = "early down ";
    std::uint64_t up = 0, down = 0;
    const auto more_up = pattern(2'000'000, 1), more_down = pattern(3'000'000, 2);
    co_await rt::all(run_tunnel(std::move(f.a), std::move(f.b), [&](auto u, auto d) { up += u, down += d; }),
                     send(f.client, more_up, true), send(f.server, more_down, true),
                     expect_to_end(f.client, "early down " + more_down),
                     expect_to_end(f.server, "early up " + more_up));
    EXPECT_EQ(up, more_up.size() + 9);
    EXPECT_EQ(down, more_down.size() + 11);
  }());
}

TEST_P(Tunnel, OneSideMayEndItsHalfFirst) {
  run([]() -> rt::task<void> {
    fixture f;
    auto talk = [](fixture& x) -> rt::task<void> {
      co_await send(x.client, "question", true);
      EXPECT_EQ(co_await read_to_end(x.server), "question");
      co_await send(x.server, "answer", true);
      EXPECT_EQ(co_await read_to_end(x.client), "answer");
    };
    auto ends = std::pair(std::move(f.a), std::move(f.b));
    co_await rt::all(run_tunnel(std::move(ends.first), std::move(ends.second), {}), talk(f));
  }());
}

TEST_P(Tunnel, ABrokenSideCutsTheOther) {
  run([]() -> rt::task<void> {
    fixture f;
    auto tunnel = [](tunnel_end a, tunnel_end b) -> rt::task<void> {
      try {
        co_await run_tunnel(std::move(a), std::move(b), {});
      } catch (const failure& x) {
        EXPECT_EQ(x.disposition(), disposition::disconnected);
      }
    };
    auto breaks = [](fixture& x) -> rt::task<void> {
      co_await send(x.client, "hello", false);
      EXPECT_EQ(co_await read_exactly(x.server, 5), "hello");
      x.server.close();
      co_await send(x.client, "into the void", false);
      EXPECT_EQ(co_await read_to_end(x.client), "");
    };
    auto ends = std::pair(std::move(f.a), std::move(f.b));
    co_await rt::all(tunnel(std::move(ends.first), std::move(ends.second)), breaks(f));
  }());
}

TEST_P(Tunnel, CancellationCutsBothSides) {
  run([]() -> rt::task<void> {
    fixture f;
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(run_tunnel(std::move(f.a), std::move(f.b), {}), "tunnel");
      co_await send(f.client, "x", false);
      EXPECT_EQ(co_await read_exactly(f.server, 1), "x");
      s.cancel(rt::cancel_reason::revoked);
      EXPECT_EQ(co_await read_to_end(f.client), "");
      EXPECT_EQ(co_await read_to_end(f.server), "");
    };
    co_await rt::with_scope(body);
  }());
}

}  // namespace
}  // namespace atrium::net
