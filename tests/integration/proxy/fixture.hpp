/// @file fixture.hpp - a real client, our proxy, a real upstream.
#pragma once

#include "atrium/net/proxy.hpp"
#include "atrium/net/websocket.hpp"
#include "tests/integration/http/fixture.hpp"

namespace atrium::tests {

using net::exchange;

/// Tells that a handler has ended, however it did.
struct at_end {
  rt::event& ended;
  ~at_end() { ended.set(); }
};

/// Runs `body` with a proxy in front of an upstream that answers with `upstream`.
inline rt::task<void> with_proxy(net::handler upstream, std::function<rt::task<void>(web&)> body,
                                 net::proxy_target base = {}, net::client_options options = {}) {
  co_await with_server(std::move(upstream), {}, [&](web& up) -> rt::task<void> {
    net::http_client towards(options);
    auto forwarder = [&](exchange& e) -> rt::task<void> {
      auto target = base;
      target.to = up.at;
      target.target = e.request().target;
      e.allow_body(UINT64_MAX);
      co_await net::forward(e, towards, target);
    };
    co_await with_server(forwarder, {}, body);
  });
}

inline rt::task<void> tell_head(exchange& e) {
  std::string out = e.request().method + " " + e.request().target + "\n";
  for (const auto& [n, v] : e.request().headers) out.append(n).append(": ").append(v).append("\n");
  auto r = net::response::text(200, out);
  r.headers.add("Set-Cookie", "app=1; Domain=example.test; Path=/");
  r.headers.add("Set-Cookie", "session=stolen");
  r.headers.add("X-App", "yes");
  co_await e.respond(std::move(r));
}

inline rt::task<void> echo_body(exchange& e) {
  e.allow_body(UINT64_MAX);
  auto out = co_await e.start({.status = 200, .headers = {{"Content-Type", "application/octet-stream"}}, .body = {}});
  std::vector<std::byte> piece(50'000);
  while (const auto n = co_await e.body().read_some(piece)) co_await out->write(std::span(piece).first(n));
  co_await out->finish();
}

inline rt::task<void> echo_messages(exchange& e) {
  auto ws = co_await net::accept_websocket(e, {.protocols = {"v2", "v1"}});
  while (auto m = co_await ws->receive()) co_await ws->send(m->binary, rt::as_bytes(m->data));
}

inline std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  unsigned seed = 7;
  for (auto& c : out) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return out;
}

}  // namespace atrium::tests
