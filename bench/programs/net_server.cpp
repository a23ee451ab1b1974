// Servers of net for the benchmarks: bench_net_server ROLE [MORE]. Prints its port.
//   websocket  /echo and /ws answer each message with itself, /fanout passes each message on to every session of it
//   backend    the same and GET of anything else with 1 KiB; on ADDRESS:PORT when given
//   proxy      forwards everything to ADDRESS:PORT, as hub-proxy does
#include "counter.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "atrium/net/proxy.hpp"
#include "atrium/net/websocket.hpp"
#include "atrium/rt/loop.hpp"

using namespace atrium;

namespace {

rt::task<void> echo(std::unique_ptr<net::websocket> session) {
  while (auto m = co_await session->receive()) co_await session->send(m->binary, rt::as_bytes(m->data));
}

std::vector<net::websocket*> everyone;

rt::task<void> fanout(std::unique_ptr<net::websocket> session) {
  struct member {
    net::websocket* self;
    explicit member(net::websocket* w) : self(w) { everyone.push_back(w); }
    ~member() { std::erase(everyone, self); }
  } listed(session.get());
  while (auto m = co_await session->receive()) {
    const net::shared_message framed(m->binary, m->data);
    for (auto* to : everyone) to->try_send(framed);
  }
}

rt::task<void> page(net::exchange& x) {
  net::response r{.status = 200, .headers = {}, .body = std::string(1024, 'x')};
  r.headers.add("Content-Type", "text/plain");
  return x.respond(std::move(r));
}

net::handler handler_of(const char* role, const char* upstream, net::http_client& client) {
  if (std::strcmp(role, "proxy") == 0) {
    const auto to = net::origin::parse(std::string("http://") + upstream).value();
    return [to, &client](net::exchange& x) -> rt::task<void> {
      net::proxy_target target{.to = to, .target = x.request().target};
      static constexpr std::string_view ours[] = {"remember_me"};
      target.strip_cookies = ours;
      co_await net::forward(x, client, target);
    };
  }
  net::router routes;
  for (const char* path : {"/echo", "/ws"})
    routes.add("GET", path, [](net::exchange& x) { return net::serve_websocket(x, {}, echo); });
  routes.add("GET", "/fanout", [](net::exchange& x) { return net::serve_websocket(x, {}, fanout); });
  routes.otherwise(page);
  return routes;
}

rt::task<void> serve(const char* role, const char* more) {
  net::http_client client({.idle_per_origin = 256});
  net::http_server server(handler_of(role, more, client));
  const bool proxies = std::strcmp(role, "proxy") == 0;
  auto from = rt::listener::bind(rt::endpoint::parse(proxies || !more ? "127.0.0.1:0" : more));
  std::printf("%u\n", unsigned(from.local().port()));
  std::fflush(stdout);
  co_await server.serve(from);
}

}  // namespace

int main(int argc, char** argv) {
  bench::publish_counter();
  rt::loop loop;
  loop.run(serve(argv[1], argc > 2 ? argv[2] : nullptr));
}
