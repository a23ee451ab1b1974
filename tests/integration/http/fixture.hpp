/// @file fixture.hpp - a server on loopback and raw connections to it, inside one test coroutine.
#pragma once

#include <functional>
#include <string>

#include "atrium/net/client.hpp"
#include "atrium/rt/sync.hpp"
#include "tests/support/backends.hpp"

namespace atrium::tests {

/// A socket that says exactly what a test wants, and collects what comes back.
class raw_client {
 public:
  static rt::task<raw_client> connect(const rt::endpoint& to) {
    co_return raw_client(co_await rt::socket::connect(to));
  }
  explicit raw_client(rt::socket s) : socket_(std::move(s)) {}

  rt::task<void> send(std::string text) { co_await socket_.send_all(rt::as_bytes(text)); }
  /// Reads until `text` has come (the bytes up to its end are taken), or the end of the stream.
  rt::task<std::string> until(std::string text) {
    std::size_t found;
    while ((found = buffer_.find(text)) == std::string::npos)
      if (!co_await more()) co_return std::exchange(buffer_, {});
    auto out = buffer_.substr(0, found + text.size());
    buffer_.erase(0, out.size());
    co_return out;
  }
  /// Reads until the server closes. A reset counts as the end.
  rt::task<std::string> rest() {
    while (co_await more()) {
    }
    co_return std::exchange(buffer_, {});
  }
  rt::socket& socket() { return socket_; }

 private:
  rt::task<bool> more() {
    std::byte piece[4096];
    std::size_t n = 0;
    try {
      n = co_await socket_.recv_some(piece);
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected) throw;
    }
    buffer_ += rt::as_text(std::span(piece).first(n));
    co_return n > 0;
  }
  rt::socket socket_;
  std::string buffer_;
};

/// What a body of a test gets.
struct web {
  net::http_server& server;
  net::http_client& client;
  net::origin at;
  rt::endpoint address;
  rt::scope& scope;
  rt::task<raw_client> raw() { return raw_client::connect(address); }
};

/// Serves `handle` on a free port while `body` runs, then drains.
inline rt::task<void> with_server(net::handler handle, net::http_limits limits,
                                  std::function<rt::task<void>(web&)> body) {
  auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  net::http_server server(std::move(handle), limits);
  net::client_options options;
  options.limits.body_timeout = std::chrono::seconds(10);
  net::http_client client(options);
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn(server.serve(listener), "serve");
    web w{server, client, {.host = "127.0.0.1", .port = listener.local().port()}, listener.local(), s};
    co_await body(w);
    co_await server.drain(std::chrono::seconds(5));
  });
}

}  // namespace atrium::tests
