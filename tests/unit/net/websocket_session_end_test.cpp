// How sessions end: protocol errors, closing from either side, cuts, silence.
#include "tests/unit/net/websocket_fixture.hpp"

namespace atrium::net {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(WebsocketSessionEnd);

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

TEST_P(WebsocketSessionEnd, ProtocolErrorsAreToldAndEndTheSession) {
  run([]() -> rt::task<void> {
    co_await expect_refusal(
        {ws::make_frame(ws::opcode::text, rt::as_bytes("unmasked"), {}), disposition::invalid, 1002});
    co_await expect_refusal({client_frame(ws::opcode::text, "\xFF"), disposition::invalid, 1007});
    co_await expect_refusal({client_frame(ws::opcode::binary, std::string(1001, 'x')), disposition::overloaded, 1009});
    co_await expect_refusal({client_frame(ws::opcode::continuation, "x"), disposition::invalid, 1002});
    co_await expect_refusal({client_frame(ws::opcode::close, "\x03"), disposition::invalid, 1002});
  }());
}

TEST_P(WebsocketSessionEnd, EndWithoutACloseFrameIsDisconnected) {
  run([]() -> rt::task<void> {
    auto p = make_raw();
    co_await p.peer.send_all(rt::as_bytes(client_frame(ws::opcode::text, "cut off").substr(0, 5)));
    p.peer.shutdown_send();
    EXPECT_EQ(co_await failing(p.server->receive()), disposition::disconnected);
    EXPECT_FALSE(p.server->try_send(false, "x"));
  }());
}

TEST_P(WebsocketSessionEnd, PeerClosesFirst) {
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

TEST_P(WebsocketSessionEnd, WeCloseFirstAndDropWhatComesBefore) {
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

TEST_P(WebsocketSessionEnd, CloseWhileAnotherTaskReceives) {
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

TEST_P(WebsocketSessionEnd, AbortWakesReceiverAndSender) {
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

TEST_P(WebsocketSessionEnd, DestroyingASessionWithQueuedMessagesLeavesNothingBehind) {
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

TEST_P(WebsocketSessionEnd, SilentPeerIsPingedThenCut) {
  run([]() -> rt::task<void> {
    auto p = make_raw({.ping_interval = 20ms, .dead_after = 100ms});
    EXPECT_EQ(co_await failing(p.server->receive()), disposition::disconnected);
    const auto events = co_await read_events(p.peer, 100);
    EXPECT_FALSE(events.empty());
    for (const auto& e : events) EXPECT_EQ(e.what, ws::event::kind::ping);
  }());
}

TEST_P(WebsocketSessionEnd, AnsweringPeerStaysThoughItSaysNothing) {
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

TEST_P(WebsocketSessionEnd, BytesReadWithTheHandshakeAreMessages) {
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

TEST_P(WebsocketSessionEnd, CancelledSendCutsAPeerThatTakesNothing) {
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
