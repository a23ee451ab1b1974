// The server against clients that speak byte by byte, out of turn, or wrongly.
#include <gmock/gmock.h>

#include "atrium/base/metrics.hpp"
#include "tests/integration/http/fixture.hpp"

using namespace atrium;
using namespace atrium::net;
using namespace atrium::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ATRIUM_ON_BACKENDS(HttpServer);

namespace {

/// Answers with what it got: method, target and body.
rt::task<void> echo(exchange& x) {
  auto body = co_await x.body().text();
  co_await x.respond(response::text(200, x.request().method + " " + x.request().target + " [" + body + "]"));
}

const std::string end_of_echo = "]";

http_limits quick() {
  http_limits l;
  l.head_timeout = 150ms;
  l.idle_timeout = 150ms;
  l.body_timeout = l.answer_timeout = 150ms;
  return l;
}

}  // namespace

TEST_P(HttpServer, KeepsTheConnectionAndServesPipelinedRequestsInOrder) {
  run(with_server(echo, {}, [](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: "
        "a\r\nConnection: close\r\n\r\n");
    const auto all = co_await c.rest();
    const auto one = all.find("GET /1 []"), two = all.find("POST /2 [abc]"), three = all.find("POST /3 [de]"),
               four = all.find("GET /4 []");
    EXPECT_TRUE(one < two && two < three && three < four && four != std::string::npos) << all;
    EXPECT_THAT(all, HasSubstr("Connection: close"));
  }));
}

TEST_P(HttpServer, TakesARequestInAnySplit) {
  run(with_server(echo, {}, [](web& w) -> rt::task<void> {
    const std::string text =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n";
    auto c = co_await w.raw();
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      co_await c.send(text.substr(0, cut));
      co_await rt::yield();
      co_await c.send(text.substr(cut));
      EXPECT_THAT(co_await c.until(end_of_echo), HasSubstr("POST /x [abc]")) << cut;
    }
  }));
}

TEST_P(HttpServer, RefusesHostileFramingAndCloses) {
  run(with_server(echo, {}, [](web& w) -> rt::task<void> {
    const std::pair<std::string, std::string> vectors[] = {
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled "
         "HTTP/1.1\r\nHost: a\r\n\r\n",
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nxGET /smuggled HTTP/1.1\r\nHost: "
         "a\r\n\r\n",
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\nGET /smuggled "
         "HTTP/1.1\r\nHost: a\r\n\r\n",
         "400"},
        {"GET / HTTP/1.1\nHost: a\n\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX" + std::string(40'000, 'x') + ": a\r\n\r\n", "431"},
        {"GET /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", "414"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx", "417"},
        {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 13), "400"}};
    for (const auto& [text, status] : vectors) {
      auto c = co_await w.raw();
      co_await c.send(text);
      const auto all = co_await c.rest();
      EXPECT_THAT(all, StartsWith("HTTP/1.1 " + status)) << text.substr(0, 200);
      EXPECT_THAT(all, HasSubstr("Connection: close"));
      EXPECT_THAT(all, Not(HasSubstr("smuggled")));
    }
  }));
}

TEST_P(HttpServer, BodyLimitsAnswer413) {
  http_limits limits;
  limits.body_bytes = 10;
  run(with_server(echo, limits, [](web& w) -> rt::task<void> {
    for (const char* text :
         {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n01234\r\n0\r\n\r\n"}) {
      auto c = co_await w.raw();
      co_await c.send(text);
      EXPECT_THAT(co_await c.rest(), testing::AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("Connection: close")));
    }
  }));
}

TEST_P(HttpServer, AHandlerMayRaiseTheBodyLimit) {
  http_limits limits;
  limits.body_bytes = 10;
  const handler raised = [](exchange& x) -> rt::task<void> {
    x.allow_body(20);
    co_await echo(x);
  };
  run(with_server(raised, limits, [](web& w) -> rt::task<void> {
    const auto r = co_await w.client.fetch(w.at, {.method = "POST"}, std::string(20, 'x'));
    EXPECT_EQ(r.status, 200u);
  }));
}

TEST_P(HttpServer, SlowClientsAreDropped) {
  run(with_server(echo, quick(), [](web& w) -> rt::task<void> {
    auto silent = co_await w.raw(), half_head = co_await w.raw(), half_body = co_await w.raw(),
         half_chunk = co_await w.raw();
    co_await half_head.send("GET / HTTP/1.1\r\nHo");
    co_await half_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    co_await half_chunk.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    EXPECT_EQ(co_await silent.rest(), "");
    EXPECT_THAT(co_await half_head.rest(), StartsWith("HTTP/1.1 408"));
    EXPECT_THAT(co_await half_body.rest(), StartsWith("HTTP/1.1 408"));
    EXPECT_THAT(co_await half_chunk.rest(), StartsWith("HTTP/1.1 408"));
  }));
}

TEST_P(HttpServer, AClientThatDoesNotReadIsCut) {
  rt::event failed;
  const handler endless = [&](exchange& x) -> rt::task<void> {
    auto w = co_await x.start({});
    const std::string piece(64 * 1024, 'x');
    try {
      while (true) co_await w->write(piece);
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::timed_out);
      failed.set();
      throw;
    }
  };
  run(with_server(endless, quick(), [&](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await failed.wait();
    EXPECT_THAT(co_await c.rest(), Not(HasSubstr("\r\n0\r\n\r\n"))) << "a cut body must not look whole";
  }));
}

TEST_P(HttpServer, HeadAndBodilessAnswersHaveNoBody) {
  const handler by_path = [](exchange& x) -> rt::task<void> {
    if (x.request().path() == "/204") co_return co_await x.respond(response{.status = 204});
    if (x.request().path() == "/304")
      co_return co_await x.respond(response{.status = 304, .headers = {{"ETag", "\"a\""}}});
    if (x.request().path() == "/stream") {
      auto w = co_await x.start({});
      co_await w->write("streamed");
      co_return co_await w->finish();
    }
    co_await x.respond(response::text(200, "whole"));
  };
  run(with_server(by_path, {}, [](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send(
        "HEAD /whole HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: "
        "a\r\n\r\n"
        "GET /304 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(co_await c.until("\r\n\r\n"), HasSubstr("Content-Length: 5"));
    EXPECT_THAT(co_await c.until("\r\n\r\n"),
                testing::AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Transfer-Encoding: chunked")));
    EXPECT_THAT(co_await c.until("\r\n\r\n"),
                testing::AllOf(StartsWith("HTTP/1.1 204"), Not(HasSubstr("Content-Length"))));
    EXPECT_THAT(co_await c.rest(),
                testing::AllOf(StartsWith("HTTP/1.1 304"), HasSubstr("ETag: \"a\""), testing::EndsWith("\r\n\r\n")));
  }));
}

TEST_P(HttpServer, Http10GetsAnUnchunkedBodyAndAClose) {
  const handler streamed = [](exchange& x) -> rt::task<void> {
    auto w = co_await x.start({});
    co_await w->write("part1 ");
    co_await w->write("part2");
    co_await w->finish();
  };
  run(with_server(streamed, {}, [](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto all = co_await c.rest();
    EXPECT_THAT(all, testing::AllOf(testing::EndsWith("\r\n\r\npart1 part2"), Not(HasSubstr("chunked")),
                                    HasSubstr("Connection: close")));
  }));
}

TEST_P(HttpServer, ExpectContinueIsAnsweredWhenTheBodyIsWanted) {
  const handler picky = [](exchange& x) -> rt::task<void> {
    if (x.request().path() == "/no") co_return co_await x.respond(response::text(403, "no"));
    co_await echo(x);
  };
  run(with_server(picky, {}, [](web& w) -> rt::task<void> {
    const std::string fields = " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    auto c = co_await w.raw();
    co_await c.send("POST /yes" + fields);
    EXPECT_EQ(co_await c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    co_await c.send("abc");
    EXPECT_THAT(co_await c.until(end_of_echo), HasSubstr("[abc]"));
    co_await c.send("POST /no" + fields);
    EXPECT_THAT(co_await c.rest(), testing::AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("Connection: close")))
        << "whether the body follows is unknown, so nothing else can be read here";
  }));
}

TEST_P(HttpServer, UnreadBodiesAreDrainedOrTheConnectionCloses) {
  const handler ignores = [](exchange& x) -> rt::task<void> {
    co_await x.respond(response::text(200, x.request().target + "!"));
  };
  run(with_server(ignores, {}, [](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    const std::string inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
    co_await c.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(inner.size()) + "\r\n\r\n" +
                    inner + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(co_await c.until("!"), HasSubstr("/small!"));
    EXPECT_THAT(co_await c.until("!"), HasSubstr("/next!"));
    co_await c.send("POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n" +
                    inner);
    EXPECT_THAT(co_await c.rest(),
                testing::AllOf(HasSubstr("Connection: close"), HasSubstr("/chunked!"), Not(HasSubstr("/inner"))));
    auto large = co_await w.raw();
    co_await large.send("POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(1000, 'x'));
    EXPECT_THAT(co_await large.until("!"), HasSubstr("Connection: close"));
  }));
}

TEST_P(HttpServer, FailuresBecomeAnswers) {
  const handler fails = [](exchange& x) -> rt::task<void> {
    const auto path = x.request().path();
    if (path == "/denied") throw failure(error(disposition::denied, "Not for you.").with_peer_text("hidden"));
    if (path == "/cancelled") fail(disposition::cancelled, "Stopped.");
    if (path == "/standard") throw std::runtime_error("hidden");
    if (path == "/injected") co_await x.respond({.status = 200, .headers = {{"X", "a\r\nY: b"}}});
    if (path == "/half") {
      auto w = co_await x.start({.headers = {{"Content-Length", "10"}}});
      co_await w->write("half");
      fail(disposition::failed, "Broke down.");
    }
  };
  run(with_server(fails, {}, [](web& w) -> rt::task<void> {
    const auto get = [&](std::string target) { return w.client.fetch(w.at, {.target = target}); };
    const auto denied = co_await get("/denied");
    EXPECT_EQ(denied.status, 403u);
    EXPECT_TRUE(denied.body.starts_with(R"({"error":"Not for you.","trace":")")) << denied.body;
    EXPECT_EQ((co_await get("/cancelled")).status, 503u);
    const auto standard = co_await get("/standard");
    EXPECT_EQ(standard.status, 500u);
    EXPECT_THAT(standard.body, Not(HasSubstr("hidden")));
    EXPECT_EQ((co_await get("/injected")).status, 400u);
    EXPECT_EQ((co_await get("/silent")).status, 500u);
    auto c = co_await w.raw();
    co_await c.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(co_await c.rest(), testing::EndsWith("\r\n\r\nhalf"));
  }));
}

TEST_P(HttpServer, HandsAnUpgradedConnectionOverWithItsBufferedBytes) {
  const handler upgrade = [](exchange& x) -> rt::task<void> {
    auto u = co_await x.upgrade({{"Upgrade", "shout"}});
    std::string text = u.buffered;
    std::byte piece[64];
    while (const auto n = co_await u.stream->read_some(piece)) text += rt::as_text(std::span(piece).first(n));
    co_await u.stream->write_all(rt::as_bytes("got " + text));
  };
  run(with_server(upgrade, {}, [](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nearly ");
    EXPECT_THAT(co_await c.until("\r\n\r\n"), testing::AllOf(StartsWith("HTTP/1.1 101"), HasSubstr("Upgrade: shout")));
    co_await c.send("late");
    c.socket().shutdown_send();
    EXPECT_EQ(co_await c.rest(), "got early late");
  }));
}

TEST_P(HttpServer, DrainEndsIdleConnectionsAndLetsExchangesFinish) {
  rt::event entered, released;
  const handler waits = [&](exchange& x) -> rt::task<void> {
    entered.set();
    co_await released.wait();
    co_await x.respond(response::text(200, "done"));
  };
  run(with_server(waits, {}, [&](web& w) -> rt::task<void> {
    auto idle = co_await w.raw(), busy = co_await w.raw();
    co_await busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await entered.wait();
    w.scope.spawn(w.server.drain(5s), "drain");
    EXPECT_EQ(co_await idle.rest(), "");
    EXPECT_TRUE(w.server.draining());
    released.set();
    EXPECT_THAT(co_await busy.rest(), testing::AllOf(HasSubstr("Connection: close"), testing::EndsWith("done")));
  }));
}

TEST_P(HttpServer, DrainCutsWhatIsLeftAfterTheGrace) {
  rt::event entered;
  const handler hangs = [&](exchange&) -> rt::task<void> {
    entered.set();
    co_await rt::sleep_for(1h);
  };
  run(with_server(hangs, {}, [&](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await entered.wait();
    co_await w.server.drain(20ms);
    EXPECT_EQ(co_await c.rest(), "");
  }));
}

TEST_P(HttpServer, BeyondTheConnectionLimitClientsWaitTheirTurn) {
  http_limits limits;
  limits.connections = 2;
  run(with_server(echo, limits, [](web& w) -> rt::task<void> {
    auto first = co_await w.raw(), second = co_await w.raw(), third = co_await w.raw();
    const std::string ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    co_await third.send(ask);
    for (int i = 0; i < 3; ++i)  // the first two go on and on, the third is not even accepted
      for (auto* c : {&first, &second}) {
        co_await c->send(ask);
        EXPECT_THAT(co_await c->until(end_of_echo), HasSubstr("200 OK"));
      }
    EXPECT_EQ(metrics::get_gauge("atrium_net_http_connections", "").value(), 2);
    first.socket().close();
    EXPECT_THAT(co_await third.until(end_of_echo), HasSubstr("200 OK"));
  }));
}

TEST_P(HttpServer, OneAddressHasItsShareOfConnectionsAndIsToldBeyondIt) {
  http_limits limits;
  limits.connections_per_address = 2;
  run(with_server(echo, limits, [](web& w) -> rt::task<void> {
    auto first = co_await w.raw(), second = co_await w.raw(), third = co_await w.raw();
    const std::string ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_THAT(co_await third.rest(), testing::AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 5\r\n"),
                                                      testing::EndsWith("then retry.\"}")));
    for (auto* c : {&first, &second}) {
      co_await c->send(ask);
      EXPECT_THAT(co_await c->until(end_of_echo), HasSubstr("200 OK"));
    }
    first.socket().close();
    for (std::string answer; answer.find("200 OK") == std::string::npos;) {  // its place is free in a moment
      auto next = co_await w.raw();
      co_await next.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      answer = co_await next.rest();
    }
  }));
}
