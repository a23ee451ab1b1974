// Handshakes on the real HTTP server and client, plain and over TLS.
#include "atrium/net/websocket.hpp"

#include "atrium/net/tls.hpp"
#include "tests/integration/http/fixture.hpp"

namespace atrium::tests {
namespace {

using net::exchange;

ATRIUM_ON_BACKENDS(Websocket);

rt::task<void> echo(exchange& e) {
  auto ws = co_await net::accept_websocket(e, {.protocols = {"b", "a"}});
  while (auto m = co_await ws->receive()) co_await ws->send(m->binary, rt::as_bytes(m->data));
}

rt::task<void> serve_echo(exchange& e) {
  co_await net::serve_websocket(e, {.protocols = {"b", "a"}}, [](std::unique_ptr<net::websocket> ws) -> rt::task<void> {
    while (auto m = co_await ws->receive()) co_await ws->send(m->binary, rt::as_bytes(m->data));
  });
}

const std::string handshake =
    "GET /x HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: "
    "13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string frame(std::string_view text) {
  return net::ws::make_frame(net::ws::opcode::text, rt::as_bytes(text), net::ws::mask_key{1, 2, 3, 4});
}

rt::task<void> expect_handshake_and_early_frames(net::handler handle) {
  return with_server(std::move(handle), {}, [](web& w) -> rt::task<void> {
    auto c = co_await w.raw();
    co_await c.send(handshake +
                    "Sec-WebSocket-Protocol: x, a\r\nSec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: "
                    "permessage-deflate\r\n\r\n" +
                    frame("early") + frame("bird"));
    const auto head = co_await c.until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
    EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
    EXPECT_NE(head.find("Sec-WebSocket-Protocol: b\r\n"), std::string::npos);
    EXPECT_EQ(head.find("Extensions"), std::string::npos);
    EXPECT_EQ(co_await c.until("bird"),
              "\x81\x05"
              "early\x81\x04"
              "bird");
  });
}

TEST_P(Websocket, TheHandshakeOfTheRfcAndFramesRightBehindIt) { run(expect_handshake_and_early_frames(echo)); }
TEST_P(Websocket, TheSameServedAfterItsHandler) { run(expect_handshake_and_early_frames(serve_echo)); }

TEST_P(Websocket, SessionsBeginWhenTheHandlerHasReturned) {
  struct mark {
    explicit mark(bool& f) : flag(f) { flag = true; }
    ~mark() { flag = false; }
    bool& flag;
  };
  bool inside = false;
  int began = 0;
  const auto handle = [&](exchange& e) -> rt::task<void> {
    const mark here(inside);
    co_await net::serve_websocket(e, {}, [&](std::unique_ptr<net::websocket> ws) -> rt::task<void> {
      EXPECT_FALSE(inside);
      ++began;
      EXPECT_TRUE(ws->try_send(false, "hello"));
      if (auto m = co_await ws->receive(); m && m->data == "fail") fail(disposition::failed, "as asked");
      co_await ws->close();
    });
  };
  run(with_server(handle, {}, [&](web& w) -> rt::task<void> {
    for (const auto* text : {"fail", "end"}) {
      auto ws = co_await net::connect_websocket(w.client, w.at, {});
      EXPECT_EQ((co_await ws->receive())->data, "hello");
      co_await ws->send_text(text);
      try {
        EXPECT_FALSE(co_await ws->receive());
        EXPECT_STREQ(text, "end");
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::disconnected);
        EXPECT_STREQ(text, "fail");
      }
    }
    EXPECT_EQ(began, 2);
  }));
}

TEST_P(Websocket, DrainingCutsSessionsAfterTheGracePeriod) {
  run(with_server(serve_echo, {}, [](web& w) -> rt::task<void> {
    auto ws = co_await net::connect_websocket(w.client, w.at, {});
    co_await ws->send_text("there");
    EXPECT_EQ((co_await ws->receive())->data, "there");
    co_await w.server.drain(std::chrono::milliseconds(20));
    EXPECT_THROW(co_await ws->receive(), failure);
  }));
}

TEST_P(Websocket, WrongHandshakesAreRefusedAndTheConnectionStays) {
  run(with_server(echo, {}, [](web& w) -> rt::task<void> {
    const std::pair<std::string, std::string> cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426"},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", "426"},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
         "8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         "426"},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
         "400"},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
         "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n",
         "400"},
        {handshake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "400"},
        {"POST" + handshake.substr(3) + "Content-Length: 0\r\n\r\n", "400"}};
    auto c = co_await w.raw();
    for (const auto& [text, status] : cases) {
      co_await c.send(text);
      const auto head = co_await c.until("\r\n\r\n");
      EXPECT_TRUE(head.starts_with("HTTP/1.1 " + status)) << text << head;
      if (status == "426") EXPECT_NE(head.find("Upgrade: websocket\r\n"), std::string::npos);
      co_await c.until("}");
    }
    co_await c.send(handshake + "\r\n");
    EXPECT_TRUE((co_await c.until("\r\n\r\n")).starts_with("HTTP/1.1 101"));
  }));
}

TEST_P(Websocket, ClientsCheckTheAnswer) {
  run([]() -> rt::task<void> {
    auto liar = [](exchange& e) -> rt::task<void> {
      const auto accept = net::ws::handshake_accept(*e.request().headers.find("Sec-WebSocket-Key"));
      const auto path = e.request().path();
      net::headers h{{"Upgrade", "websocket"},
                     {"Sec-WebSocket-Accept", path == "/accept" ? "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" : accept}};
      if (path == "/protocol") h.add("Sec-WebSocket-Protocol", "never-offered");
      if (path == "/extension") h.add("Sec-WebSocket-Extensions", "permessage-deflate");
      if (path == "/upgrade") h.set("Upgrade", "h2c");
      auto raw = co_await e.upgrade(std::move(h));
      std::byte scrap[100];
      while (co_await raw.stream->read_some(scrap) > 0) {
      }
    };
    co_await with_server(liar, {}, [](web& w) -> rt::task<void> {
      for (auto path : {"/accept", "/protocol", "/extension", "/upgrade"}) {
        try {
          co_await net::connect_websocket(w.client, w.at, {.target = path}, {.protocols = {"a"}});
          ADD_FAILURE() << path;
        } catch (const failure& f) {
          EXPECT_EQ(f.error().code(), "websocket.handshake") << path;
        }
      }
    });
  }());
}

TEST_P(Websocket, OverTls) {
  run([]() -> rt::task<void> {
    const auto pki = net::make_self_signed({"127.0.0.1"});
    auto server_tls = net::tls_context::server(pki.server.certificate_pem, pki.server.private_key_pem);
    auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
    net::http_server server(echo);
    net::http_client client({}, net::tls_context::client(pki.ca_pem)),
        stranger({}, net::tls_context::client(net::make_self_signed({"x"}).ca_pem));
    const net::origin at{.secure = true, .host = "127.0.0.1", .port = listener.local().port()};
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(server.serve(listener, server_tls.get()), "serve");
      auto ws = co_await net::connect_websocket(client, at, {}, {.protocols = {"a"}});
      EXPECT_EQ(ws->protocol(), "a");
      const std::string large(300'000, 'L');
      auto sender = [](net::websocket& to, const std::string& what) -> rt::task<void> { co_await to.send_text(what); };
      auto receiver = [](net::websocket& from, const std::string& what) -> rt::task<void> {
        EXPECT_EQ((co_await from.receive())->data, what);
      };
      co_await rt::all(sender(*ws, large), receiver(*ws, large));
      co_await ws->close();
      try {
        co_await net::connect_websocket(stranger, at, {});
        ADD_FAILURE();
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::denied);
      }
      co_await server.drain(std::chrono::seconds(5));
    };
    co_await rt::with_scope(body);
  }());
}

}  // namespace
}  // namespace atrium::tests
