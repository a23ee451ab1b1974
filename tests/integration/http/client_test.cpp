// The client against our server, and against servers that misbehave.
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/integration/http/fixture.hpp"

using namespace atrium;
using namespace atrium::net;
using namespace atrium::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;

ATRIUM_ON_BACKENDS(HttpClient);

namespace {

/// A server that reads one request head a connection and answers with given bytes, one answer a connection, then
/// closes.
struct scripted {
  rt::listener listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  std::vector<std::string> requests;

  origin at() const { return {.host = "127.0.0.1", .port = listener.local().port()}; }
  rt::task<void> serve(std::vector<std::string> answers) {
    for (auto& answer : answers) {
      raw_client c(co_await listener.accept());
      requests.push_back(co_await c.until("\r\n\r\n"));
      co_await c.send(answer);
    }
  }
};

rt::task<void> with_script(std::vector<std::string> answers, std::function<rt::task<void>(scripted&)> body) {
  scripted s;
  co_await rt::with_scope([&](rt::scope& scope) -> rt::task<void> {
    scope.spawn(s.serve(std::move(answers)), "scripted server");
    co_await body(s);
    scope.cancel(rt::cancel_reason::requested);
  });
}

/// A body made of pieces.
class pieces final : public body_reader {
 public:
  pieces(std::size_t count, std::string piece) : left_(count), piece_(std::move(piece)) {}
  rt::task<std::size_t> read_some(std::span<std::byte> into) override {
    if (fails_after_ && left_ == *fails_after_) fail(disposition::timed_out, "The source dried up.");
    if (left_ == 0) co_return 0;
    --left_;
    co_await rt::yield();
    std::memcpy(into.data(), piece_.data(), piece_.size());
    co_return piece_.size();
  }
  std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
  bool finished() const noexcept override { return left_ == 0; }
  pieces& fails_at(std::size_t left) { return fails_after_ = left, *this; }

 private:
  std::size_t left_;
  std::string piece_;
  std::optional<std::size_t> fails_after_;
};

rt::task<void> count_body(exchange& x) {
  x.allow_body(UINT64_MAX);
  std::vector<std::byte> scrap(10'000);
  std::uint64_t total = 0;
  while (const auto n = co_await x.body().read_some(scrap)) total += n;
  co_await x.respond(response::text(200, std::to_string(total)));
}

rt::task<disposition> outcome_of(rt::task<http_client::whole> asked) {
  try {
    co_await std::move(asked);
  } catch (const failure& f) {
    co_return f.disposition();
  }
  ADD_FAILURE() << "an answer was accepted";
  co_return disposition::failed;
}

}  // namespace

TEST_P(HttpClient, ReusesConnectionsAndReportsPeers) {
  std::vector<std::string> peers;
  const handler notes = [&](exchange& x) -> rt::task<void> {
    peers.push_back(x.peer().text());
    co_await x.respond(response::text(200, "ok"));
  };
  run(with_server(notes, {}, [&](web& w) -> rt::task<void> {
    for (int i = 0; i < 3; ++i) EXPECT_EQ((co_await w.client.fetch(w.at, {})).body, "ok");
    EXPECT_EQ(peers[0], peers[1]);
    EXPECT_EQ(peers[0], peers[2]);
    {
      auto unread = co_await w.client.send(w.at, {});
      EXPECT_EQ(unread.status, 200u);
    }
    co_await w.client.fetch(w.at, {});
    EXPECT_NE(peers[4], peers[0]) << "a connection whose answer was not read to the end is not used again";
  }));
}

TEST_P(HttpClient, StreamsLargeBodiesBothWays) {
  const handler mirrors = [](exchange& x) -> rt::task<void> {
    x.allow_body(UINT64_MAX);
    auto out = co_await x.start({});
    std::vector<std::byte> piece(7000);
    while (const auto n = co_await x.body().read_some(piece)) co_await out->write(std::span(piece).first(n));
    co_await out->finish();
  };
  run(with_server(count_body, {}, [](web& w) -> rt::task<void> {
    pieces chunked(500, std::string(10'000, 'x'));
    auto r = co_await w.client.send(w.at, {.method = "POST"}, std::nullopt, chunked);
    EXPECT_EQ(co_await r.body->text(), "5000000");
    pieces sized(100, std::string(1000, 'x'));
    r = co_await w.client.send(w.at, {.method = "POST"}, 100'000, sized);
    EXPECT_EQ(co_await r.body->text(), "100000");
    EXPECT_EQ((co_await w.client.fetch(w.at, {.method = "POST"}, std::string(3'000'000, 'y'))).body, "3000000");
  }));
  run(with_server(mirrors, {}, [](web& w) -> rt::task<void> {
    pieces some(20, "0123456789");
    auto r = co_await w.client.send(w.at, {.method = "POST"}, std::nullopt, some);
    EXPECT_EQ((co_await r.body->text()).size(), 200u);
  }));
}

TEST_P(HttpClient, AFailingSourceNeverLooksLikeAWholeBody) {
  rt::event cut;
  const handler reads = [&](exchange& x) -> rt::task<void> {
    try {
      co_await x.body().text(100'000'000);
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::disconnected);
      cut.set();
      throw;
    }
    ADD_FAILURE() << "the part was taken for the whole";
  };
  run(with_server(reads, {}, [&](web& w) -> rt::task<void> {
    pieces source(10, "0123456789");
    source.fails_at(5);
    try {
      co_await w.client.send(w.at, {.method = "POST"}, std::nullopt, source);
      ADD_FAILURE();
    } catch (const failure& f) {
      EXPECT_EQ(f.error().public_text(), "The source dried up.");
    }
    co_await cut.wait();
    pieces shorter(1, "0123456789");
    EXPECT_THROW(co_await w.client.send(w.at, {.method = "POST"}, 20, shorter), failure);
  }));
}

TEST_P(HttpClient, AnEarlyRefusalEndsTheUpload) {
  const handler refuses = [](exchange& x) -> rt::task<void> { co_await x.respond(response::text(403, "no")); };
  run(with_server(refuses, {}, [](web& w) -> rt::task<void> {
    pieces endless(SIZE_MAX, std::string(10'000, 'x'));
    auto r = co_await w.client.send(w.at, {.method = "POST"}, std::nullopt, endless);
    EXPECT_EQ(r.status, 403u);
    EXPECT_EQ(co_await r.body->text(), "no");
  }));
}

TEST_P(HttpClient, RetriesIdempotentRequestsOnAStaleConnection) {
  // The first connection promises to stay and closes while idle, as the answer is being asked for again.
  const std::string stays = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
                    second = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb";
  run(with_script({stays, second, second}, [](scripted& s) -> rt::task<void> {
    http_client client;
    EXPECT_EQ((co_await client.fetch(s.at(), {})).body, "a");
    EXPECT_EQ((co_await client.fetch(s.at(), {.method = "PUT"}, "x")).body, "b");
    EXPECT_EQ((co_await client.fetch(s.at(), {})).body, "b");
    EXPECT_EQ(s.requests.size(), 3u);
  }));
}

TEST_P(HttpClient, DoesNotRepeatWhatIsNotIdempotent) {
  // Reads the second request on the same connection before it closes: the client cannot know what was done.
  const auto serve = [](rt::listener& l, int& requests) -> rt::task<void> {
    raw_client c(co_await l.accept());
    co_await c.until("\r\n\r\n");
    co_await c.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    co_await c.until("\r\n\r\n");
    ++requests;
  };
  auto listener = std::make_shared<rt::listener>(rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0)));
  int requests = 0;
  const auto body = [&]() -> rt::task<void> {
    http_client client;
    const origin at{.host = "127.0.0.1", .port = listener->local().port()};
    rt::scope scope(&co_await rt::this_task());
    scope.spawn(serve(*listener, requests), "server");
    co_await client.fetch(at, {});
    EXPECT_EQ(co_await outcome_of(client.fetch(at, {.method = "POST"}, "x")), disposition::disconnected);
    co_await scope.join();
    EXPECT_EQ(requests, 1);
  };
  run(body());
}

TEST_P(HttpClient, RefusesAnswersThatAreNotStrictHttp) {
  const std::vector<std::string> bad = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n",
      ""};
  run(with_script(bad, [count = bad.size()](scripted& s) -> rt::task<void> {
    http_client client;
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_EQ(co_await outcome_of(client.fetch(s.at(), {})), disposition::disconnected) << i;
  }));
}

TEST_P(HttpClient, ReadsEveryKindOfBodyAndSkipsInterimAnswers) {
  run(with_script(
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil close",
       "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nsized",
       "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nchu\r\n4\r\nnked\r\n0\r\n\r\n",
       "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
      [](scripted& s) -> rt::task<void> {
        http_client client({.idle_per_origin = 0});
        EXPECT_EQ((co_await client.fetch(s.at(), {})).body, "until close");
        EXPECT_EQ((co_await client.fetch(s.at(), {})).body, "sized");
        EXPECT_EQ((co_await client.fetch(s.at(), {})).body, "chunked");
        EXPECT_EQ((co_await client.fetch(s.at(), {})).status, 204u);
        EXPECT_EQ((co_await client.fetch(s.at(), {.method = "HEAD"})).body, "");
      }));
}

TEST_P(HttpClient, BoundsWaitingAndSize) {
  run(with_script({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, [](scripted& s) -> rt::task<void> {
    http_client client;
    EXPECT_EQ(co_await outcome_of(client.fetch(s.at(), {}, {}, 4)), disposition::overloaded);
  }));
  const handler silent = [](exchange&) -> rt::task<void> { co_await rt::sleep_for(1h); };
  run(with_server(silent, {}, [](web& w) -> rt::task<void> {
    http_client hurried({.response_timeout = 50ms});
    EXPECT_EQ(co_await outcome_of(hurried.fetch(w.at, {})), disposition::timed_out);
    pieces body(1, "x");
    try {
      co_await hurried.send(w.at, {.method = "POST"}, std::nullopt, body);
      ADD_FAILURE();
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::timed_out);
    }
    co_await w.server.drain(10ms);
  }));
}

TEST_P(HttpClient, RefusesToSendWhatWouldSplitRequests) {
  run(with_server(count_body, {}, [](web& w) -> rt::task<void> {
    EXPECT_EQ(co_await outcome_of(w.client.fetch(w.at, {.target = "/ HTTP/1.1\r\nX: y"})), disposition::invalid);
    EXPECT_EQ(co_await outcome_of(w.client.fetch(w.at, {.headers = {{"X", "a\r\nY: b"}}})), disposition::invalid);
  }));
}

TEST_P(HttpClient, SpeaksOverUnixSocketsAndUpgrades) {
  const auto path = "/tmp/atrium-http-" + std::to_string(::getpid()) + ".sock";
  const auto body = [&]() -> rt::task<void> {
    auto listener = rt::listener::bind(rt::endpoint::unix_path(path));
    http_server server([](exchange& x) -> rt::task<void> {
      if (x.request().path() != "/up")
        co_return co_await x.respond(response::text(200, std::string(x.request().headers.find("Host").value())));
      auto u = co_await x.upgrade({{"Upgrade", "echo"}});
      co_await u.stream->write_all(rt::as_bytes("hi"));
      std::byte b[8];
      const auto n = co_await u.stream->read_some(b);
      co_await u.stream->write_all(std::span(b).first(n));
    });
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn(server.serve(listener), "serve");
      http_client client;
      const auto at = origin::parse("unix:" + path).value();
      EXPECT_EQ((co_await client.fetch(at, {})).body, "localhost");
      auto r = co_await client.send(at, {.target = "/up", .headers = {{"Connection", "Upgrade"}, {"Upgrade", "echo"}}});
      EXPECT_EQ(r.status, 101u);
      if (r.upgraded) {
        std::string text = r.upgraded->buffered;
        co_await r.upgraded->stream->write_all(rt::as_bytes("ho"));
        std::byte b[8];
        while (const auto n = co_await r.upgraded->stream->read_some(b)) text += rt::as_text(std::span(b).first(n));
        EXPECT_EQ(text, "hiho");
      }
      co_await server.drain(1s);
    });
    ::unlink(path.c_str());
  };
  run(body());
}

TEST_P(HttpClient, SaysWhenNobodyIsThere) {
  const auto body = []() -> rt::task<void> {
    http_client client;
    std::uint16_t port = 0;
    {
      auto closed = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
      port = closed.local().port();
    }
    EXPECT_EQ(co_await outcome_of(client.fetch({.host = "127.0.0.1", .port = port}, {})), disposition::disconnected);
    EXPECT_EQ(co_await outcome_of(client.fetch({.secure = true, .host = "127.0.0.1", .port = port}, {})),
              disposition::disconnected);
  };
  run(body());
}
