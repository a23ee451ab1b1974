// Requests and answers through the proxy.
#include "tests/integration/proxy/fixture.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(Proxy);

TEST_P(Proxy, HeadsCrossWithoutWhatBelongsToAHop) {
  run([]() -> rt::task<void> {
    net::proxy_target target;
    static constexpr std::string_view ours[] = {"session"};
    target.strip_cookies = target.refuse_set_cookies = ours;
    target.add = {{"X-User", "ann"}};
    target.adjust_answer = [](unsigned status, net::headers& h) { h.set("X-Status", std::to_string(status)); };
    co_await with_proxy(
        tell_head,
        [](web& w) -> rt::task<void> {
          net::request r{.target = "/a%20b?c=%2F",
                         .headers = {{"Host", "public.test"},
                                     {"Connection", "X-User, X-Forwarded-For"},
                                     {"X-User", "mallory"},
                                     {"X-Forwarded-For", "6.6.6.6"},
                                     {"Cookie", "session=secret; a=1"},
                                     {"Cookie", "session=again"},
                                     {"Accept", "x/y"},
                                     {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}};
          const auto a = co_await w.client.fetch(w.at, r);
          EXPECT_EQ(a.status, 200u);
          EXPECT_EQ(a.body,
                    "GET /a%20b?c=%2F\nCookie: a=1\nAccept: x/y\n"
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"
                    "Host: public.test\nX-Forwarded-Host: public.test\n"
                    "X-Forwarded-For: 127.0.0.1\nX-Forwarded-Proto: http\nX-User: ann\n");
          EXPECT_EQ(a.headers.all("Set-Cookie").size(), 1u);
          EXPECT_EQ(a.headers.find("Set-Cookie"), "app=1; Path=/");
          EXPECT_EQ(a.headers.find("X-App"), "yes");
          EXPECT_EQ(a.headers.find("X-Status"), "200");
        },
        target);
  }());
}

TEST_P(Proxy, LargeBodiesStreamBothWaysAndAreCounted) {
  run([]() -> rt::task<void> {
    std::uint64_t up = 0, down = 0;
    net::proxy_target target;
    target.on_bytes = [&](auto u, auto d) { up += u, down += d; };
    const auto data = pattern(3'000'000);
    auto body = [&](web& w) -> rt::task<void> {
      const auto a = co_await w.client.fetch(w.at, {.method = "POST"}, data, 10u << 20);
      EXPECT_EQ(a.status, 200u);
      EXPECT_TRUE(a.body == data);
      EXPECT_EQ(up, data.size());
      EXPECT_EQ(down, data.size());
      // The connections are good for the next one.
      EXPECT_EQ((co_await w.client.fetch(w.at, {.method = "PUT"}, "small")).body, "small");
    };
    // An upstream that reads everything before it answers: a proxied upload is not a conversation.
    auto swallow = [](exchange& e) -> rt::task<void> {
      e.allow_body(UINT64_MAX);
      const auto all = co_await e.body().text(10u << 20);
      co_await e.respond({.status = 200, .headers = {}, .body = all});
    };
    co_await with_proxy(swallow, body, target);
  }());
}

TEST_P(Proxy, ChunkedUploadsAndAnswersKeepTheirFraming) {
  run([]() -> rt::task<void> {
    co_await with_proxy(echo_body, [](web& w) -> rt::task<void> {
      auto c = co_await w.raw();
      co_await c.send(
          "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: "
          "close\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
      const auto all = co_await c.rest();
      EXPECT_NE(all.find("Transfer-Encoding: chunked"), std::string::npos);
      EXPECT_NE(all.find("abc"), std::string::npos);
      EXPECT_TRUE(all.ends_with("0\r\n\r\n"));
    });
  }());
}

TEST_P(Proxy, AnswersWithoutABody) {
  run([]() -> rt::task<void> {
    auto handle = [](exchange& e) -> rt::task<void> {
      if (e.request().path() == "/204") co_await e.respond({.status = 204, .headers = {}, .body = {}});
      else if (e.request().path() == "/304")
        co_await e.respond({.status = 304, .headers = {{"ETag", "\"1\""}}, .body = {}});
      else co_await e.respond(net::response::text(200, "twelve bytes"));
    };
    co_await with_proxy(handle, [](web& w) -> rt::task<void> {
      EXPECT_EQ((co_await w.client.fetch(w.at, {.target = "/204"})).status, 204u);
      const auto unchanged = co_await w.client.fetch(w.at, {.target = "/304"});
      EXPECT_EQ(unchanged.status, 304u);
      EXPECT_EQ(unchanged.headers.find("ETag"), "\"1\"");
      const auto head = co_await w.client.fetch(w.at, {.method = "HEAD"});
      EXPECT_EQ(head.status, 200u);
      EXPECT_EQ(head.headers.find("Content-Length"), "12");
      EXPECT_EQ(head.body, "");
      EXPECT_EQ((co_await w.client.fetch(w.at, {})).body, "twelve bytes");
    });
  }());
}

TEST_P(Proxy, PiecesOfAnEventStreamArriveAtOnce) {
  run([]() -> rt::task<void> {
    rt::event seen;
    auto handle = [&](exchange& e) -> rt::task<void> {
      auto out = co_await e.start({.status = 200, .headers = {{"Content-Type", "text/event-stream"}}, .body = {}});
      co_await out->write(std::string_view("data: first\n\n"));
      co_await seen.wait();  // only when the first has arrived
      co_await out->write(std::string_view("data: second\n\n"));
      co_await out->finish();
    };
    auto body = [&](web& w) -> rt::task<void> {
      auto c = co_await w.raw();
      co_await c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      co_await c.until("data: first\n\n");
      seen.set();
      co_await c.until("data: second\n\n");
    };
    co_await with_proxy(handle, body);
  }());
}

TEST_P(Proxy, AnUpstreamThatIsGoneOrSilent) {
  run([]() -> rt::task<void> {
    net::http_client towards({.response_timeout = 50ms});
    auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
    const auto port = listener.local().port();
    auto handle = [&](exchange& e) -> rt::task<void> {
      net::proxy_target target;
      target.to = {.host = "127.0.0.1", .port = port};
      target.target = "/";
      co_await net::forward(e, towards, target);
    };
    co_await with_server(handle, {}, [&](web& w) -> rt::task<void> {
      EXPECT_EQ((co_await w.client.fetch(w.at, {})).status, 504u);  // the kernel accepts, nobody answers
      listener.close();
      EXPECT_EQ((co_await w.client.fetch(w.at, {.method = "POST"}, "x")).status, 502u);
    });
  }());
}

TEST_P(Proxy, ACutAnswerIsCutForTheClientToo) {
  run([]() -> rt::task<void> {
    auto handle = [](exchange& e) -> rt::task<void> {
      auto out = co_await e.start({.status = 200, .headers = {{"Content-Length", "100"}}, .body = {}});
      co_await out->write(std::string_view("only this"));
    };
    co_await with_proxy(handle, [](web& w) -> rt::task<void> {
      auto c = co_await w.raw();
      co_await c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      const auto all = co_await c.rest();
      EXPECT_TRUE(all.ends_with("only this")) << all;
    });
  }());
}

TEST_P(Proxy, AClientThatLeavesEndsTheUpstreamsAnswer) {
  run([]() -> rt::task<void> {
    rt::event ended;
    auto handle = [&](exchange& e) -> rt::task<void> {
      auto out = co_await e.start({.status = 200, .headers = {}, .body = {}});
      const std::string piece(100'000, 'x');
      const at_end told{ended};
      for (;;) co_await out->write(std::string_view(piece));
    };
    auto body = [&](web& w) -> rt::task<void> {
      {
        auto c = co_await w.raw();
        co_await c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await c.until("xxxx");
      }
      co_await ended.wait();
    };
    co_await with_proxy(handle, body);
  }());
}

}  // namespace
}  // namespace atrium::tests
