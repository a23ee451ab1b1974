// Sessions over real sockets: both roles, hostile peers, backpressure, closing, keepalive.
#include "atrium/net/websocket.hpp"
#include "tests/support/backends.hpp"

namespace atrium::net {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(WebsocketSession);

struct pair {
  std::unique_ptr<websocket> server, client;
};

pair make_pair(websocket_options server = {}, websocket_options client = {}) {
  auto [a, b] = rt::socket_pair();
  return {make_websocket(make_stream(std::move(a)), websocket_role::server, std::move(server)),
          make_websocket(make_stream(std::move(b)), websocket_role::client, std::move(client))};
}

/// A server session and the raw socket of its peer.
struct raw_pair {
  std::unique_ptr<websocket> server;
  rt::socket peer;
};
raw_pair make_raw(websocket_options options = {}) {
  auto [a, b] = rt::socket_pair();
  return {make_websocket(make_stream(std::move(a)), websocket_role::server, std::move(options)), std::move(b)};
}

std::string client_frame(ws::opcode op, std::string_view payload, bool fin = true) {
  return ws::make_frame(op, rt::as_bytes(payload), ws::mask_key{9, 8, 7, 6}, fin);
}

/// Reads from a server until `count` events or the end.
rt::task<std::vector<ws::event>> read_events(rt::socket& from, std::size_t count) {
  ws::decoder d(websocket_role::server, 64u << 20);
  std::vector<ws::event> out;
  std::vector<std::byte> buffer(64 * 1024);
  while (out.size() < count) {
    const auto n = co_await from.recv_some(buffer);
    if (n == 0) break;
    std::span<const std::byte> in(buffer.data(), n);
    for (;;) {
      auto r = d.feed(in);
      if (!r) throw failure(r.error());
      if (!*r) break;
      out.push_back(std::move(**r));
    }
  }
  co_return out;
}

rt::task<disposition> failing(rt::task<std::optional<websocket_message>> t) {
  try {
    co_await std::move(t);
  } catch (const failure& f) {
    co_return f.disposition();
  }
  ADD_FAILURE() << "no failure";
  co_return disposition::failed;
}

TEST_P(WebsocketSession, MessagesOfManySizesGoBothWays) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    for (std::size_t size : {0u, 1u, 125u, 126u, 16384u, 65536u, 70001u}) {
      std::string text(size, 'x');
      for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
      co_await p.client->send_text(text);
      auto m = co_await p.server->receive();
      EXPECT_TRUE(m && !m->binary && m->data == text) << size;
      co_await p.server->send_binary(rt::as_bytes(text));
      m = co_await p.client->receive();
      EXPECT_TRUE(m && m->binary && m->data == text) << size;
    }
  }());
}

rt::task<void> send_large(websocket& from, std::string& data) { co_await from.send_binary(rt::as_bytes(data)); }

TEST_P(WebsocketSession, LargeMessagesCrossWhileBothSidesSend) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    std::string data(5'000'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 >> 3);
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(send_large(*p.server, data), "server");
      s.spawn(send_large(*p.client, data), "client");
      auto a = co_await p.client->receive();
      auto b = co_await p.server->receive();
      EXPECT_TRUE(a && a->data == data);
      EXPECT_TRUE(b && b->data == data);
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, SendsOfManyTasksStayWholeAndOrdered) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    constexpr int tasks = 8, each = 50;
    auto sender = [](websocket& to, int id) -> rt::task<void> {
      for (int i = 0; i < each; ++i) {
        const auto text =
            std::to_string(id) + ":" + std::to_string(i) + ":" + std::string(static_cast<std::size_t>(i * 37), '.');
        if (i % 3 == 0) EXPECT_TRUE(to.try_send(false, text));
        else co_await to.send_text(text);
      }
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      for (int id = 0; id < tasks; ++id) s.spawn(sender(*p.client, id), "sender");
      std::vector<int> next(tasks, 0);
      for (int i = 0; i < tasks * each; ++i) {
        auto m = co_await p.server->receive();
        if (!m) throw std::runtime_error("closed");
        const int id = std::stoi(m->data);
        EXPECT_EQ(std::stoi(m->data.substr(2)), next[static_cast<std::size_t>(id)]++);
      }
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, QueuedMessagesKeepTheirPlaceBeforeSend) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    EXPECT_TRUE(p.server->try_send(false, "1"));
    EXPECT_TRUE(p.server->try_send(true, "2"));
    co_await p.server->send_text("3");
    for (auto expected : {"1", "2", "3"}) {
      auto m = co_await p.client->receive();
      EXPECT_TRUE(m && m->data == expected);
    }
  }());
}

TEST_P(WebsocketSession, TrySendRefusesWhenThePeerIsFarBehind) {
  run([]() -> rt::task<void> {
    auto p = make_raw({.send_queue_bytes = 1 << 20});
    int queued = 0;
    while (p.server->try_send(true, std::string(100'000, 'x'))) {
      ++queued;
      co_await rt::yield();
      if (queued > 1000) break;
    }
    EXPECT_GE(queued, 10);
    EXPECT_LT(queued, 40);
    EXPECT_EQ((co_await read_events(p.peer, static_cast<std::size_t>(queued))).size(),
              static_cast<std::size_t>(queued));
    EXPECT_TRUE(p.server->try_send(true, "again"));
    EXPECT_EQ((co_await read_events(p.peer, 1)).at(0).data, "again");
  }());
}

TEST_P(WebsocketSession, PingsAreAnsweredInOrder) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    std::string bytes;
    for (int i = 0; i < 10; ++i) bytes += client_frame(ws::opcode::ping, "p" + std::to_string(i));
    bytes += client_frame(ws::opcode::pong, "unasked") + client_frame(ws::opcode::text, "end");
    co_await p.peer.send_all(rt::as_bytes(bytes));
    auto m = co_await p.server->receive();
    EXPECT_TRUE(m && m->data == "end");
    const auto events = co_await read_events(p.peer, 10);
    EXPECT_EQ(events.size(), 10u);
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].what, ws::event::kind::pong);
      EXPECT_EQ(events[i].data, "p" + std::to_string(i));
    }
  }());
}

TEST_P(WebsocketSession, PingFloodWithoutReadingDoesNotFillMemory) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    std::string flood;
    for (int i = 0; i < 20'000; ++i) flood += client_frame(ws::opcode::ping, std::string(125, 'p'));
    flood += client_frame(ws::opcode::text, "done");
    auto feeder = [](rt::socket& to, std::string& what) -> rt::task<void> { co_await to.send_all(rt::as_bytes(what)); };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(feeder(p.peer, flood), "feeder");
      auto m = co_await p.server->receive();
      EXPECT_TRUE(m && m->data == "done");
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, EveryByteAloneIsEnough) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    const auto bytes = client_frame(ws::opcode::text, "\xCE\xBA\xE1", false) + client_frame(ws::opcode::ping, "") +
                       client_frame(ws::opcode::continuation, "\xBD\xB9");
    auto feeder = [](rt::socket& to, const std::string& what) -> rt::task<void> {
      for (char c : what) {
        co_await to.send_all(rt::as_bytes(std::string_view(&c, 1)));
        co_await rt::yield();
      }
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(feeder(p.peer, bytes), "feeder");
      auto m = co_await p.server->receive();
      EXPECT_TRUE(m && m->data == "\xCE\xBA\xE1\xBD\xB9");
    };
    co_await rt::with_scope(body);
  }());
}

struct refusal {
  std::string bytes;
  disposition what;
  unsigned code;
};

rt::task<void> expect_refusal(refusal r) {
  auto p = make_raw({.message_bytes = 1000});
  co_await p.peer.send_all(rt::as_bytes(r.bytes));
  p.peer.shutdown_send();
  EXPECT_EQ(co_await failing(p.server->receive()), r.what);
  const auto events = co_await read_events(p.peer, 2);
  EXPECT_EQ(events.size(), 1u) << "a close frame, then the end";
  if (!events.empty()) EXPECT_EQ(events[0].code, r.code);
  EXPECT_FALSE(co_await p.server->receive());
  EXPECT_TRUE(p.server->close_reason() && p.server->close_reason()->code == r.code);
}

TEST_P(WebsocketSession, ProtocolErrorsAreToldAndEndTheSession) {
  run([]() -> rt::task<void> {
    co_await expect_refusal(
        {ws::make_frame(ws::opcode::text, rt::as_bytes("unmasked"), {}), disposition::invalid, 1002});
    co_await expect_refusal({client_frame(ws::opcode::text, "\xFF"), disposition::invalid, 1007});
    co_await expect_refusal({client_frame(ws::opcode::binary, std::string(1001, 'x')), disposition::overloaded, 1009});
    co_await expect_refusal({client_frame(ws::opcode::continuation, "x"), disposition::invalid, 1002});
    co_await expect_refusal({client_frame(ws::opcode::close, "\x03"), disposition::invalid, 1002});
  }());
}

TEST_P(WebsocketSession, EndWithoutACloseFrameIsDisconnected) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    co_await p.peer.send_all(rt::as_bytes(client_frame(ws::opcode::text, "cut off").substr(0, 5)));
    p.peer.shutdown_send();
    EXPECT_EQ(co_await failing(p.server->receive()), disposition::disconnected);
    EXPECT_FALSE(p.server->try_send(false, "x"));
  }());
}

TEST_P(WebsocketSession, PeerClosesFirst) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    co_await p.peer.send_all(rt::as_bytes(client_frame(ws::opcode::close, std::string("\x0F\xA1") + "bye")));
    EXPECT_FALSE(co_await p.server->receive());
    EXPECT_EQ(p.server->close_reason()->code, 4001);
    EXPECT_EQ(p.server->close_reason()->reason, "bye");
    const auto events = co_await read_events(p.peer, 2);
    EXPECT_EQ(events.size(), 1u);
    EXPECT_EQ(events.at(0).code, 4001);
    EXPECT_FALSE(p.server->try_send(false, "late"));
    co_await p.server->close();
    co_await p.server->close();
  }());
}

TEST_P(WebsocketSession, WeCloseFirstAndDropWhatComesBefore) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    auto client = [](websocket& c) -> rt::task<void> {
      co_await c.send_text("crossing");
      while (co_await c.receive()) {
      }
      EXPECT_EQ(c.close_reason()->code, 1012);
      EXPECT_EQ(c.close_reason()->reason, "restart");
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(client(*p.client), "client");
      EXPECT_TRUE(p.server->try_send(false, "last words"));
      co_await p.server->close(1012, "restart");
      EXPECT_EQ(p.server->close_reason()->code, 1012);
      EXPECT_FALSE(co_await p.server->receive());
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, CloseWhileAnotherTaskReceives) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    auto reader = [](websocket& w) -> rt::task<void> { EXPECT_FALSE(co_await w.receive()); };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(reader(*p.server), "server");
      s.spawn(reader(*p.client), "client");
      co_await rt::yield();
      co_await p.server->close(1000);
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, AbortWakesReceiverAndSender) {
  run([]() -> rt::task<void> {
    auto p = make_raw({.send_queue_bytes = 1 << 30});
    auto reader = [](websocket& w) -> rt::task<void> {
      EXPECT_EQ(co_await failing(w.receive()), disposition::disconnected);
    };
    auto writer = [](websocket& w) -> rt::task<void> {
      const std::string large(8 << 20, 'x');
      try {
        co_await w.send_text(large);
        ADD_FAILURE() << "sent to a peer that does not read";
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::disconnected);
      }
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(reader(*p.server), "reader");
      s.spawn(writer(*p.server), "writer");
      s.spawn(writer(*p.server), "second writer");
      for (int i = 0; i < 3; ++i) co_await rt::yield();
      p.server->abort();
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, DestroyingASessionWithQueuedMessagesLeavesNothingBehind) {
  run([]() -> rt::task<void> {
    auto p = make_raw({.send_queue_bytes = 1 << 30});
    EXPECT_TRUE(p.server->try_send(true, std::string(8 << 20, 'x')));
    p.server.reset();  // before its writer ran
    p = make_raw({.send_queue_bytes = 1 << 30});
    EXPECT_TRUE(p.server->try_send(true, std::string(8 << 20, 'x')));
    for (int i = 0; i < 3; ++i) co_await rt::yield();
    p.server.reset();  // while its writer waits
    while (rt::loop::current().tasks().size() > 1) co_await rt::yield();
  }());
}

TEST_P(WebsocketSession, SilentPeerIsPingedThenCut) {
  run([]() -> rt::task<void> {
    auto p = make_raw({.ping_interval = 20ms, .dead_after = 100ms});
    EXPECT_EQ(co_await failing(p.server->receive()), disposition::disconnected);
    const auto events = co_await read_events(p.peer, 100);
    EXPECT_FALSE(events.empty());
    for (const auto& e : events) EXPECT_EQ(e.what, ws::event::kind::ping);
  }());
}

TEST_P(WebsocketSession, AnsweringPeerStaysThoughItSaysNothing) {
  run([]() -> rt::task<void> {
    auto p = make_pair({.ping_interval = 10ms, .dead_after = 400ms}, {.ping_interval = 0ms});
    auto silent = [](websocket& w) -> rt::task<void> { co_await w.receive(); };
    auto talker = [](websocket& w) -> rt::task<void> {
      co_await rt::sleep_for(1s);
      EXPECT_TRUE(w.try_send(false, "still here"));
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(silent(*p.client), "client");
      s.spawn(talker(*p.client), "talker");
      auto m = co_await p.server->receive();
      EXPECT_TRUE(m && m->data == "still here");
      co_await p.server->send_text("bye");
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(WebsocketSession, BytesReadWithTheHandshakeAreMessages) {
  run([]() -> rt::task<void> {
    auto [a, b] = rt::socket_pair();
    const auto early = client_frame(ws::opcode::text, "one") + client_frame(ws::opcode::text, "two");
    auto server = make_websocket(make_stream(std::move(a)), websocket_role::server, {},
                                 early.substr(0, early.size() - 2), "chat");
    EXPECT_EQ(server->protocol(), "chat");
    co_await b.send_all(rt::as_bytes(early.substr(early.size() - 2)));
    EXPECT_EQ((co_await server->receive())->data, "one");
    EXPECT_EQ((co_await server->receive())->data, "two");
  }());
}

TEST_P(WebsocketSession, CancelledSendCutsAPeerThatTakesNothing) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    const std::string large(8 << 20, 'x');
    try {
      co_await rt::with_timeout(20ms, p.server->send_text(large));
      ADD_FAILURE();
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::timed_out);
    }
    EXPECT_FALSE(p.server->try_send(false, "x"));
  }());
}

}  // namespace
}  // namespace atrium::net
