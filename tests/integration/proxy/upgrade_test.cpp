// WebSocket through the proxy: tunnels, refusals, lies, cuts.
#include "tests/integration/proxy/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(ProxyUpgrade);

TEST_P(ProxyUpgrade, WebsocketsCross) {
  run([]() -> rt::task<void> {
    std::uint64_t up = 0, down = 0;
    net::proxy_target target;
    target.on_bytes = [&](auto u, auto d) { up += u, down += d; };
    co_await with_proxy(
        echo_messages,
        [](web& w) -> rt::task<void> {
          auto ws =
              co_await net::connect_websocket(w.client, w.at, {.target = "/ws"}, {.protocols = {"v1", "v2", "other"}});
          EXPECT_EQ(ws->protocol(), "v2");
          for (std::size_t size : {0u, 5u, 1000u, 200'000u, 1'000'000u}) {
            const auto data = pattern(size);
            auto sender = [](net::websocket& to, const std::string& what) -> rt::task<void> {
              co_await to.send_binary(rt::as_bytes(what));
            };
            auto receiver = [](net::websocket& from, const std::string& what) -> rt::task<void> {
              auto m = co_await from.receive();
              EXPECT_TRUE(m && m->binary && m->data == what);
            };
            co_await rt::all(sender(*ws, data), receiver(*ws, data));
          }
          co_await ws->close(4000, "enough");
          EXPECT_EQ(ws->close_reason()->code, 4000);
        },
        target);
    EXPECT_GT(up, 1'201'000u);
    EXPECT_GT(down, 1'201'000u);
  }());
}

TEST_P(ProxyUpgrade, RefusedUpgradesAreRelayed) {
  run([]() -> rt::task<void> {
    auto handle = [](exchange& e) -> rt::task<void> {
      if (e.request().path() == "/denied") fail(disposition::denied, "Not you.");
      if (e.request().path() == "/plain") co_await e.respond(net::response::text(200, "no socket here"));
      else co_await echo_messages(e);
    };
    co_await with_proxy(handle, [](web& w) -> rt::task<void> {
      for (auto [path, expected] :
           {std::pair("/denied", disposition::denied), std::pair("/plain", disposition::failed)}) {
        try {
          co_await net::connect_websocket(w.client, w.at, {.target = path});
          ADD_FAILURE();
        } catch (const failure& f) {
          EXPECT_EQ(f.disposition(), expected);
          EXPECT_FALSE(f.error().peer_text().empty());
        }
      }
      auto c = co_await w.raw();
      co_await c.send(
          "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
          "13\r\nSec-WebSocket-Key: short\r\n\r\n");
      EXPECT_TRUE((co_await c.until("\r\n")).starts_with("HTTP/1.1 400"));
    });
  }());
}

TEST_P(ProxyUpgrade, NothingIsTunnelledBeforeARightAnswer) {
  run([]() -> rt::task<void> {
    // A raw upstream that says 101 with somebody else's Accept, then waits for smuggled requests.
    auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
    const auto port = listener.local().port();
    net::http_client towards;
    auto handle = [&](exchange& e) -> rt::task<void> {
      net::proxy_target target;
      target.to = {.host = "127.0.0.1", .port = port};
      target.target = "/";
      co_await net::forward(e, towards, target);
    };
    std::string smuggled;
    auto upstream = [&]() -> rt::task<void> {
      raw_client c(co_await listener.accept());
      listener.close();
      co_await c.until("\r\n\r\n");
      co_await c.send(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
          "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
      smuggled = co_await c.rest();
    };
    co_await with_server(handle, {}, [&](web& w) -> rt::task<void> {
      w.scope.spawn(upstream(), "upstream");
      auto c = co_await w.raw();
      co_await c.send(
          "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
          "13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_TRUE((co_await c.until("\r\n")).starts_with("HTTP/1.1 502"));
    });
    EXPECT_EQ(smuggled, "");
  }());
}

TEST_P(ProxyUpgrade, CancellationCutsATunnelOnBothSides) {
  run([]() -> rt::task<void> {
    rt::event upstream_ended;
    auto upstream = [&](exchange& e) -> rt::task<void> {
      auto ws = co_await net::accept_websocket(e);
      const at_end told{upstream_ended};
      while (co_await ws->receive()) {
      }
    };
    co_await with_server(upstream, {}, [&](web& up) -> rt::task<void> {
      net::http_client towards;
      rt::task_node* tunnel = nullptr;
      auto handle = [&](exchange& e) -> rt::task<void> {
        net::proxy_target target;
        target.to = up.at;
        target.target = "/";
        tunnel = &co_await rt::this_task();
        co_await net::forward(e, towards, target);
      };
      co_await with_server(handle, {}, [&](web& w) -> rt::task<void> {
        auto ws = co_await net::connect_websocket(w.client, w.at, {});
        co_await ws->send_text("x");
        tunnel->cancel(rt::cancel_reason::revoked);
        try {
          EXPECT_FALSE(co_await ws->receive());
        } catch (const failure& f) {
          EXPECT_EQ(f.disposition(), disposition::disconnected);
        }
        co_await upstream_ended.wait();
      });
    });
  }());
}

}  // namespace
}  // namespace atrium::tests
