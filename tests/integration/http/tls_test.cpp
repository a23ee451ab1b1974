// Server and client over TLS: same behaviour, and certificates are verified.
#include "atrium/net/tls.hpp"

#include <gmock/gmock.h>

#include "tests/integration/http/fixture.hpp"

using namespace atrium;
using namespace atrium::net;
using namespace atrium::tests;
using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(HttpOverTls);

namespace {

rt::task<void> mirror(exchange& x) {
  x.allow_body(UINT64_MAX);
  auto body = co_await x.body().text(64u << 20);
  co_await x.respond(response::text(200, (x.secure() ? "secure " : "plain ") + x.peer().text() + " " + body));
}

rt::task<void> with_tls(std::function<rt::task<void>(const origin&, const self_signed&, rt::endpoint)> body) {
  const auto certificates = make_self_signed({"localhost", "127.0.0.1"});
  auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  auto tls = tls_context::server(certificates.server.certificate_pem, certificates.server.private_key_pem);
  http_limits limits;
  limits.head_timeout = 300ms;
  http_server server(mirror, limits);
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn(server.serve(listener, tls.get()), "serve");
    co_await body({.secure = true, .host = "127.0.0.1", .port = listener.local().port()}, certificates,
                  listener.local());
    co_await server.drain(1s);
  });
}

}  // namespace

TEST_P(HttpOverTls, ServesAndReusesConnections) {
  run(with_tls([](const origin& at, const self_signed& certificates, rt::endpoint) -> rt::task<void> {
    http_client client({}, tls_context::client(certificates.ca_pem));
    const auto first = (co_await client.fetch(at, {})).body, second = (co_await client.fetch(at, {})).body;
    EXPECT_THAT(first, testing::StartsWith("secure 127.0.0.1:"));
    EXPECT_EQ(first, second) << "same connection, same port";
    const std::string large(2'000'000, 'x');
    EXPECT_THAT((co_await client.fetch(at, {.method = "POST"}, large)).body, testing::EndsWith(large));
  }));
}

TEST_P(HttpOverTls, RefusesCertificatesOfOthers) {
  run(with_tls([](const origin& at, const self_signed&, rt::endpoint) -> rt::task<void> {
    http_client client({}, tls_context::client(make_self_signed({"localhost"}).ca_pem));
    try {
      co_await client.fetch(at, {});
      ADD_FAILURE() << "a foreign certificate was accepted";
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::denied);
    }
  }));
}

TEST_P(HttpOverTls, ClientsThatDoNotSpeakTlsHarmNobody) {
  run(with_tls([](const origin& at, const self_signed& certificates, rt::endpoint address) -> rt::task<void> {
    auto plain = co_await raw_client::connect(address), silent = co_await raw_client::connect(address);
    co_await plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(co_await plain.rest(), testing::Not(testing::HasSubstr("HTTP/1.1 200")));
    EXPECT_EQ(co_await silent.rest(), "") << "a handshake that does not come is ended";
    http_client client({}, tls_context::client(certificates.ca_pem));
    EXPECT_EQ((co_await client.fetch(at, {})).status, 200u);
  }));
}
