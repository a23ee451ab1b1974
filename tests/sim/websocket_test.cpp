// WebSocket sessions over streams that are slow, short and cut: messages arrive whole, in order, none twice, none
// missing before one that arrived; sessions end, whatever happens.
#include "atrium/net/websocket.hpp"

#include "tests/sim/simulate.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

/// Says its number, its sender and its length in itself.
std::string make_message(char sender, int number, std::size_t size) {
  auto text = std::string(1, sender) + std::to_string(number) + ":" + std::to_string(size) + ":";
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + (i + static_cast<std::size_t>(number)) % 26);
  return text;
}

struct side {
  std::unique_ptr<net::websocket> session;
  std::map<char, int> next;  // of each sender: the number that must come
  bool closed = false, cut = false;
  int sent = 0, received = 0;
};

void check(side& s, const net::websocket_message& m) {
  ASSERT_FALSE(m.data.empty());
  const char sender = m.data[0];
  const int number = std::atoi(m.data.c_str() + 1);
  EXPECT_EQ(number, s.next[sender]++) << "message of " << sender << " lost, doubled or overtaken";
  const auto size = static_cast<std::size_t>(std::atoll(m.data.c_str() + m.data.find(':') + 1));
  EXPECT_EQ(m.data, make_message(sender, number, size));
  ++s.received;
}

rt::task<void> read_all(side& s) {
  try {
    while (auto m = co_await s.session->receive()) check(s, *m);
    s.closed = true;
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected) << f.error().describe();
    s.cut = true;
  }
}

rt::task<void> send_some(sim::simulation& sim, side& s, char name, int count) {
  try {
    for (int i = 0; i < count; ++i) {
      auto text =
          make_message(name, i, sim.random().chance(0.1) ? sim.random().below(70'000) : sim.random().below(300));
      const bool binary = sim.random().chance(0.5);
      if (sim.random().chance(0.3)) {
        while (!s.session->try_send(binary, text)) {
          co_await rt::sleep_for(1s);
          if (s.closed || s.cut) co_return;
        }
      } else {
        co_await s.session->send(binary, rt::as_bytes(text));
      }
      ++s.sent;
      if (sim.random().chance(0.2)) co_await rt::sleep_for(sim.random().between(rt::duration(0), rt::duration(40s)));
    }
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected) << f.error().describe();
  }
}

/// Sends from two tasks, then closes (or cuts) and reads to the end.
rt::task<void> talk(sim::simulation& sim, side& s, char first, char second, bool closes) {
  rt::scope reader(&co_await rt::this_task());
  reader.spawn(read_all(s), "read");
  co_await rt::all(send_some(sim, s, first, 8), send_some(sim, s, second, 8));
  if (closes) {
    if (sim.random().chance(0.1)) s.session->abort();
    else co_await s.session->close(1000, "done");
  }
  co_await reader.join();
}

TEST(SimWebsocket, MessagesArriveWholeInOrderAndOnceUntilTheEnd) {
  simulate(1000, [](sim::simulation& sim) -> rt::task<void> {
    auto [a, b] = rt::socket_pair();
    side server, client;
    net::websocket_options o;
    o.message_bytes = 1u << 20;
    o.send_queue_bytes = sim.random().chance(0.5) ? 100'000 : 4u << 20;
    server.session = net::make_websocket(net::make_stream(std::move(a)), net::websocket_role::server, o);
    client.session = net::make_websocket(net::make_stream(std::move(b)), net::websocket_role::client, o);
    const bool server_closes = sim.random().chance(0.5);
    co_await rt::all(talk(sim, server, 'A', 'B', server_closes), talk(sim, client, 'C', 'D', !server_closes));
    server.session.reset();
    client.session.reset();
    co_await rt::sleep_for(200s);  // a writer that nobody waits for ends by itself
  });
}

TEST(SimWebsocket, WithoutResetsAnOrderlyCloseLosesNothing) {
  simulate(
      1000,
      [](sim::simulation& sim) -> rt::task<void> {
        auto [a, b] = rt::socket_pair();
        side server, client;
        server.session = net::make_websocket(net::make_stream(std::move(a)), net::websocket_role::server);
        client.session = net::make_websocket(net::make_stream(std::move(b)), net::websocket_role::client);
        rt::scope readers(&co_await rt::this_task());
        readers.spawn(read_all(server), "read");
        readers.spawn(read_all(client), "read");
        co_await rt::all(send_some(sim, server, 'A', 6), send_some(sim, server, 'B', 6),
                         send_some(sim, client, 'C', 6));
        auto& closing = sim.random().chance(0.5) ? server : client;
        co_await closing.session->close(1000, "done");
        co_await readers.join();
        EXPECT_TRUE(server.closed && client.closed);
        EXPECT_EQ(client.received, server.sent);
        // What the other side said may have been on its way when the close frame was sent; the closer reads it still.
        EXPECT_EQ(server.received, client.sent);
        EXPECT_EQ(server.sent, 12);
        server.session.reset();
        client.session.reset();
        co_await rt::sleep_for(200s);
      },
      [](sim::options& o, sim::random&) {
        o.faults.reset = o.faults.stall = o.faults.clock_jump = 0;
        o.faults.buffer = std::max<std::size_t>(o.faults.buffer, 4096);  // below, a piece takes longer than a minute
        o.faults.slow = 0;  // close() waits only a little for what is on its way
      });
}

rt::task<void> send_twice(net::websocket& from, std::string text) {
  EXPECT_TRUE(from.try_send(true, text));
  co_await from.send_binary(rt::as_bytes(text));
}

// Found by seed 208 of the case above: a queued message that took longer than a minute looked like a stuck peer, and
// the ping behind it like an unanswered one.
TEST(SimWebsocket, ALargeMessageOnASlowLinkIsNoDeadPeer) {
  simulate(
      20,
      [](sim::simulation& sim) -> rt::task<void> {
        auto [a, b] = rt::socket_pair();
        auto server = net::make_websocket(net::make_stream(std::move(a)), net::websocket_role::server);
        auto client = net::make_websocket(net::make_stream(std::move(b)), net::websocket_role::client);
        rt::scope sender(&co_await rt::this_task());
        const std::string text = make_message('A', 0, 2'000'000);
        sender.spawn(send_twice(*server, text), "send");
        rt::scope reader(&co_await rt::this_task());
        side s;
        s.session = std::move(server);
        reader.spawn(read_all(s), "read");
        for (int i = 0; i < 2; ++i) {
          auto m = co_await client->receive();
          EXPECT_TRUE(m && m->data == text);
        }
        EXPECT_GT(sim.elapsed(), 120s);
        co_await sender.join();
        co_await client->close();
        co_await reader.join();
        EXPECT_TRUE(s.closed);
        s.session.reset();
        client.reset();
        co_await rt::sleep_for(200s);
      },
      [](sim::options& o, sim::random&) {
        o.faults = {};
        o.faults.latency_least = o.faults.latency_most = 600ms;
        o.faults.buffer = 16 * 1024;
      });
}

}  // namespace
}  // namespace atrium::tests
