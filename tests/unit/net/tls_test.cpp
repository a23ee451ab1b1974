// TLS over real sockets: what is trusted, what is told, what is cut, and both directions at once.
#include "atrium/net/tls.hpp"

#include "tests/support/backends.hpp"

namespace atrium::net {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(Tls);

const self_signed& pki() {
  static const auto made = make_self_signed({"localhost", "example.test", "*.wild.test", "127.0.0.1", "::1"});
  return made;
}

struct outcome {
  stream_ptr stream;
  std::optional<error> failed;
};

rt::task<void> serve(tls_context& c, stream_ptr s, outcome& out) {
  try {
    out.stream = co_await c.handshake_server(std::move(s));
  } catch (const failure& f) {
    out.failed = f.error();
  }
}
rt::task<void> dial(tls_context& c, stream_ptr s, std::string name, outcome& out) {
  try {
    out.stream = co_await c.handshake_client(std::move(s), std::move(name));
  } catch (const failure& f) {
    out.failed = f.error();
  }
}

struct connected {
  outcome server, client;
};

rt::task<connected> shake(tls_context& server, tls_context& client, std::string name) {
  auto [a, b] = rt::socket_pair();
  connected c;
  co_await rt::all(serve(server, make_stream(std::move(a)), c.server),
                   dial(client, make_stream(std::move(b)), std::move(name), c.client));
  co_return c;
}

auto server_context() { return tls_context::server(pki().server.certificate_pem, pki().server.private_key_pem); }
auto client_context() { return tls_context::client(pki().ca_pem); }

rt::task<std::string> read_text(stream& s, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const auto n = co_await s.read_some(std::as_writable_bytes(std::span(out).subspan(have)));
    if (n == 0) {
      out.resize(have);
      break;
    }
    have += n;
  }
  co_return out;
}

TEST_P(Tls, TalksBothWaysUnderEveryNameOfTheCertificate) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    for (auto name : {"localhost", "example.test", "a.wild.test", "127.0.0.1", "::1", "[::1]", "EXAMPLE.test"}) {
      auto c = co_await shake(*server, *client, name);
      EXPECT_FALSE(c.client.failed || c.server.failed) << name;
      if (!c.client.stream || !c.server.stream) continue;
      EXPECT_TRUE(c.client.stream->secure());
      co_await c.client.stream->write_all(rt::as_bytes("question"));
      EXPECT_EQ(co_await read_text(*c.server.stream, 8), "question");
      co_await c.server.stream->write_all(rt::as_bytes("answer"));
      EXPECT_EQ(co_await read_text(*c.client.stream, 6), "answer");
    }
  }());
}

TEST_P(Tls, WrongNamesAreDenied) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    for (auto name : {"other.test", "127.0.0.2", "wild.test", "a.b.wild.test", "xexample.test"}) {
      auto c = co_await shake(*server, *client, name);
      EXPECT_TRUE(c.client.failed && c.client.failed->disposition() == disposition::denied) << name;
      EXPECT_FALSE(c.client.stream);
      EXPECT_TRUE(c.server.failed || c.server.stream);
    }
    EXPECT_EQ((co_await shake(*server, *client, "")).client.failed->disposition(), disposition::invalid);
  }());
}

TEST_P(Tls, AnotherAuthorityIsDeniedAndTheServerIsTold) {
  run([]() -> rt::task<void> {
    auto server = server_context();
    const auto other = make_self_signed({"localhost"});
    auto client = tls_context::client(other.ca_pem);
    auto c = co_await shake(*server, *client, "localhost");
    EXPECT_TRUE(c.client.failed && c.client.failed->disposition() == disposition::denied);
    EXPECT_NE(c.client.failed->public_text().find("localhost"), std::string::npos);
    std::optional<error> told = c.server.failed;
    if (c.server.stream) {  // TLS 1.3: the server has finished before the client refuses
      try {
        co_await read_text(*c.server.stream, 1);
      } catch (const failure& f) {
        told = f.error();
      }
    }
    EXPECT_TRUE(told && told->disposition() == disposition::disconnected);
    auto unverified = tls_context::client(other.ca_pem, {}, {}, false);
    EXPECT_FALSE((co_await shake(*server, *unverified, "whatever")).client.failed);
  }());
}

TEST_P(Tls, CloseNotifyIsACleanEndAndACutIsNot) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    auto c = co_await shake(*server, *client, "localhost");
    co_await c.client.stream->write_all(rt::as_bytes("all"));
    co_await c.client.stream->shutdown_send();
    EXPECT_EQ(co_await read_text(*c.server.stream, 10), "all");
    co_await c.server.stream->wait_readable();
    // The other direction still works.
    co_await c.server.stream->write_all(rt::as_bytes("late"));
    EXPECT_EQ(co_await read_text(*c.client.stream, 4), "late");

    c = co_await shake(*server, *client, "localhost");
    co_await c.client.stream->write_all(rt::as_bytes("half"));
    EXPECT_EQ(co_await read_text(*c.server.stream, 4), "half");
    c.client.stream->abort();
    try {
      co_await read_text(*c.server.stream, 1);
      ADD_FAILURE() << "a truncated stream looked like a clean end";
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::disconnected);
      EXPECT_EQ(f.error().code(), "tls.truncated");
    }
  }());
}

TEST_P(Tls, PlainTextAndSilenceInsteadOfAHandshake) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    auto [a, b] = rt::socket_pair();
    outcome out;
    co_await b.send_all(rt::as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    co_await serve(*server, make_stream(std::move(a)), out);
    EXPECT_TRUE(out.failed && out.failed->disposition() == disposition::disconnected);

    auto [c, d] = rt::socket_pair();
    d.shutdown_send();
    out = {};
    co_await serve(*server, make_stream(std::move(c)), out);
    EXPECT_TRUE(out.failed && out.failed->code() == "tls.truncated");

    auto [e, f] = rt::socket_pair();
    try {
      co_await rt::with_timeout(20ms, client->handshake_client(make_stream(std::move(e)), "localhost"));
      ADD_FAILURE();
    } catch (const failure& x) {
      EXPECT_EQ(x.disposition(), disposition::timed_out);
    }
  }());
}

std::string pattern(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return out;
}

TEST_P(Tls, LargeTransfersCrossInBothDirectionsAtOnce) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    auto c = co_await shake(*server, *client, "localhost");
    const auto up = pattern(3'000'001, 1), down = pattern(5'000'003, 2);
    auto write = [](stream& s, const std::string& data) -> rt::task<void> {
      co_await s.write_all(rt::as_bytes(data));
      co_await s.shutdown_send();
    };
    auto read = [](stream& s, const std::string& expected) -> rt::task<void> {
      EXPECT_TRUE(co_await read_text(s, expected.size() + 1) == expected);
    };
    co_await rt::all(write(*c.client.stream, up), write(*c.server.stream, down), read(*c.client.stream, down),
                     read(*c.server.stream, up));
  }());
}

TEST_P(Tls, GatheredWritesArriveInOrder) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    auto c = co_await shake(*server, *client, "localhost");
    std::string expected;
    std::vector<std::string> parts;
    for (std::size_t size : {0u, 1u, 16383u, 1u, 16384u, 40000u, 7u, 70000u, 0u}) {
      parts.push_back(pattern(size, static_cast<unsigned>(size)));
      expected += parts.back();
    }
    std::vector<iovec> io;
    for (auto& p : parts) io.push_back({p.data(), p.size()});
    auto write = [](stream& s, std::vector<iovec>& v) -> rt::task<void> { co_await s.write_all(std::span(v)); };
    auto read = [](stream& s, const std::string& e) -> rt::task<void> {
      EXPECT_TRUE(co_await read_text(s, e.size()) == e);
    };
    co_await rt::all(write(*c.client.stream, io), read(*c.server.stream, expected));
  }());
}

TEST_P(Tls, SlowBytesAreEnough) {
  run([]() -> rt::task<void> {
    // A relay between the two hands over one byte at a time.
    auto server = server_context(), client = client_context();
    auto [a, a2] = rt::socket_pair();
    auto [b, b2] = rt::socket_pair();
    auto relay = [](rt::socket& from, rt::socket& to) -> rt::task<void> {
      std::byte one;
      try {
        while (co_await from.recv_some({&one, 1}) > 0) co_await to.send_all({&one, 1});
        to.shutdown_send();
      } catch (const failure& f) {
        if (f.disposition() != disposition::disconnected) throw;  // the end of the test
      }
    };
    auto talk = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(relay(a2, b2), "relay");
      s.spawn(relay(b2, a2), "relay");
      outcome x, y;
      co_await rt::all(serve(*server, make_stream(std::move(a)), x),
                       dial(*client, make_stream(std::move(b)), "localhost", y));
      EXPECT_TRUE(x.stream && y.stream);
      co_await y.stream->write_all(rt::as_bytes("drop by drop"));
      co_await x.stream->wait_readable();
      EXPECT_EQ(co_await read_text(*x.stream, 12), "drop by drop");
      co_await x.stream->shutdown_send();
      co_await y.stream->shutdown_send();
    };
    co_await rt::with_scope(talk);
  }());
}

TEST_P(Tls, AbortWakesTheReader) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    auto c = co_await shake(*server, *client, "localhost");
    auto reader = [](stream& s) -> rt::task<void> {
      try {
        EXPECT_EQ(co_await read_text(s, 1), "");
        ADD_FAILURE();
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::disconnected);
      }
    };
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(reader(*c.server.stream), "reader");
      co_await rt::yield();
      c.server.stream->abort();
    };
    co_await rt::with_scope(body);
  }());
}

TEST_P(Tls, ClientsResumeTheirSessions) {
  run([]() -> rt::task<void> {
    auto server = server_context(), client = client_context();
    for (int i = 0; i < 4; ++i) {
      auto c = co_await shake(*server, *client, "localhost");
      EXPECT_FALSE(c.client.failed || c.server.failed);
      // Tickets come behind the handshake.
      co_await c.server.stream->write_all(rt::as_bytes("x"));
      EXPECT_EQ(co_await read_text(*c.client.stream, 1), "x");
    }
    EXPECT_GE(client->resumed(), 3u);
  }());
}

TEST(TlsContext, BadMaterialIsRefusedWithAReason) {
  const auto& p = pki();
  const auto other = make_self_signed({"x"});
  EXPECT_THROW(tls_context::server("", ""), failure);
  EXPECT_THROW(tls_context::server("garbage", p.server.private_key_pem), failure);
  EXPECT_THROW(tls_context::server(p.server.certificate_pem, "garbage"), failure);
  EXPECT_THROW(tls_context::server(p.server.certificate_pem, other.server.private_key_pem), failure);
  EXPECT_THROW(tls_context::client("garbage"), failure);
  EXPECT_THROW(make_self_signed({}), failure);
  EXPECT_NO_THROW(tls_context::server(p.server.certificate_pem + p.ca_pem, p.server.private_key_pem));
}

}  // namespace
}  // namespace atrium::net
