// Sessions over real sockets: messages, order, backpressure, pings.
#include "tests/unit/net/websocket_fixture.hpp"

namespace atrium::net {
namespace {

ATRIUM_ON_BACKENDS(WebsocketSession);

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

// Small answers are joined while more of the peer's messages are here; large ones are not. Order and content are the
// same.
TEST_P(WebsocketSession, AnswersToManyMessagesAtOnceComeInOrder) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    constexpr int count = 600;
    const auto text = [](int i) {
      return std::to_string(i) + std::string(i % 50 == 49 ? 40'000u : static_cast<std::size_t>(i % 7), '.');
    };
    auto echo = [](websocket& on) -> rt::task<void> {
      while (auto m = co_await on.receive()) co_await on.send(m->binary, rt::as_bytes(m->data));
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(echo(*p.server), "server");
      for (int i = 0; i < count; ++i) EXPECT_TRUE(p.client->try_send(false, text(i)));
      for (int i = 0; i < count; ++i) {
        auto m = co_await p.client->receive();
        EXPECT_TRUE(m && m->data == text(i)) << i;
      }
      co_await p.client->close();
    };
    co_await rt::with_scope(body);
  }());
}

// The last answer may be one that was joined: a handle that goes away gives the kernel what it takes.
TEST_P(WebsocketSession, QueuedMessagesLeaveBeforeTheHandleGoes) {
  run([]() -> rt::task<void> {
    auto p = make_pair();
    EXPECT_TRUE(p.server->try_send(false, "one"));
    EXPECT_TRUE(p.server->try_send(true, std::string(1000, 'x')));
    p.server.reset();
    auto m = co_await p.client->receive();
    EXPECT_TRUE(m && m->data == "one");
    m = co_await p.client->receive();
    EXPECT_TRUE(m && m->data.size() == 1000);
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

TEST_P(WebsocketSession, SharedMessagesReachEverySessionInTheirPlace) {
  run([]() -> rt::task<void> {
    std::vector<pair> pairs;
    for (int i = 0; i < 20; ++i) pairs.push_back(make_pair());
    const std::string large(100'000, 'l');
    for (auto& p : pairs) {
      EXPECT_TRUE(p.server->try_send(false, "before"));
      for (const auto* text : {"small", large.c_str(), ""}) EXPECT_TRUE(p.server->try_send(shared_message(true, text)));
      EXPECT_TRUE(p.server->try_send(false, "after"));
      EXPECT_TRUE(p.client->try_send(shared_message(false, "from a client")));
    }
    for (auto& p : pairs) {
      for (const auto& expected :
           {std::string("before"), std::string("small"), large, std::string(), std::string("after")}) {
        const auto m = co_await p.client->receive();
        EXPECT_TRUE(m && m->data == expected);
      }
      const auto m = co_await p.server->receive();
      EXPECT_TRUE(m && m->data == "from a client" && !m->binary);
    }
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

}  // namespace
}  // namespace atrium::net
