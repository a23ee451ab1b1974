#include "apps/edge/edge.hpp"

#include <limits>
#include <map>

#include "apps/domain/content.hpp"
#include "apps/edge/routes.hpp"
#include "apps/operations/auth.hpp"
#include "apps/service/service.hpp"
#include "atrium/base/log.hpp"
#include "atrium/net/proxy.hpp"

namespace atrium::edge {

namespace {

struct origins {
  std::string hub_next, hub_websocket, hub_proxy, hub_api, static_files, content_host;

  const std::string& of(backend b) const {
    switch (b) {
      case backend::hub_websocket:
        return hub_websocket;
      case backend::hub_proxy:
        return hub_proxy;
      case backend::hub_api:
        return hub_api;
      case backend::static_files:
        return static_files;
      case backend::hub_next:
        break;
    }
    return hub_next;
  }
};

/// Trace ids are made in our pages, or here: those of strangers, whose pages projects show at content hosts, would mix
/// their requests with other people's.
bool from_our_page(const net::request& r, std::string_view content_host) {
  if (domain::is_content_host(r.headers.find("Host").value_or(""), content_host)) return false;
  const bool page =
      r.headers.contains("Origin") || r.headers.contains("Sec-Fetch-Site") || r.headers.contains("Referer");
  return page && operations::same_origin(r);
}

net::response unavailable(const net::request& r) {
  const auto accept = r.headers.find("accept");
  auto out =
      accept && accept->find("text/html") != std::string_view::npos
          ? net::response::html(
                502,
                "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
                "<meta http-equiv=refresh content=3><title>One moment</title><style>body{font:16px/1.5 "
                "system-ui;max-width:32rem;"
                "margin:20vh auto;padding:0 1rem;color-scheme:light dark}</style><h1>One moment</h1>"
                "<p>A part of Atrium is being restarted. This page tries again by itself every three seconds; nothing "
                "is lost.</p>")
          : net::response::json(502, R"({"error":"A part of Atrium is being restarted. Try again in a few seconds."})");
  out.headers.set("Retry-After", "3");
  out.headers.set("Cache-Control", "no-store");
  return out;
}

/// A service that was killed is back in a second, a project's server in a few.
constexpr rt::duration back_within = std::chrono::seconds(30);

net::client_options client_options() {
  net::client_options o;
  o.idle_per_origin = 256;
  o.response_timeout = std::chrono::minutes(10);
  o.limits = net::behind_proxies(o.limits, 2);    // answers of a project's own server
  o.limits.body_timeout = std::chrono::hours(1);  // as hub-proxy: a silent event stream is nothing wrong
  return o;
}

class gate {
 public:
  explicit gate(const origins& all) : content_host_(all.content_host) {
    for (auto b :
         {backend::hub_next, backend::hub_websocket, backend::hub_proxy, backend::hub_api, backend::static_files})
      if (const auto& text = all.of(b); !text.empty()) to_[b] = net::origin::parse(text).value();
  }

  rt::task<void> operator()(net::exchange& x) {
    x.allow_body(std::numeric_limits<std::uint64_t>::max());  // the services limit what they read
    const auto host = x.request().headers.find("Host").value_or("");
    const auto to =
        to_.find(domain::is_content_host(host, content_host_) ? backend::hub_proxy : backend_of(x.request().path()));
    if (to == to_.end())
      co_return co_await x.respond(
          net::response::of(error(disposition::not_found, "There is nothing at this address.")));
    net::proxy_target target{.to = to->second, .target = x.request().target};
    static constexpr std::string_view foreign[] = {"tracestate"};  // what others trace is no business of ours
    target.strip_headers = foreign;
    target.resume_within = back_within;
    bool down = false;
    try {
      co_await net::forward(x, client_, target);
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected || x.responded()) throw;
      log::warn("service does not answer",
                {{"origin", to->second.unix_socket.empty() ? to->second.authority() : to->second.unix_socket},
                 {"error", f.error()}});
      down = true;
    }
    if (down) co_await x.respond(unavailable(x.request()));
  }

 private:
  std::string content_host_;
  std::map<backend, net::origin> to_;
  net::http_client client_{client_options()};
};

}  // namespace

int run_edge(int argc, char** argv) {
  origins all;
  const auto define = [&](settings& s) {
    s.add("hub-next", "ORIGIN", "http://host:port or unix:/path of hub-next", all.hub_next).required();
    s.add("hub-websocket", "ORIGIN", "of hub-websocket", all.hub_websocket).required();
    s.add("hub-proxy", "ORIGIN", "of hub-proxy", all.hub_proxy).required();
    s.add("hub-api", "ORIGIN", "of hub-api, when it runs", all.hub_api);
    s.add("static", "ORIGIN", "of static", all.static_files).required();
    s.add("content-host", "HOST", "everything below this host name goes to hub-proxy", all.content_host)
        .check(domain::check_content_host);
  };
  return service::run({.name = "edge",
                       .summary = "forwards by path to the services",
                       .define = define,
                       .listen = "127.0.0.1:8080",
                       .operations = false,
                       .limits = {.connections_per_address = 1000},
                       .hops = 0,
                       .takes_trace = [&all](const net::request& r) { return from_our_page(r, all.content_host); }},
                      argc, argv, [&](service::context& c) -> rt::task<void> {
                        auto& forward_all = c.make<gate>(all);
                        c.router().otherwise([&forward_all](net::exchange& x) { return forward_all(x); });
                        co_await c.serve();
                      });
}

}  // namespace atrium::edge
