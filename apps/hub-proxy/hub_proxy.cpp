#include "apps/hub-proxy/hub_proxy.hpp"

#include "apps/hub-proxy/handler.hpp"
#include "apps/service/service.hpp"
#include "apps/store/columns.hpp"
#include "apps/store/interactive.hpp"
#include "apps/store/migrations.hpp"
#include "atrium/net/proxy.hpp"

namespace atrium {

namespace {

net::client_options client_options() {
  net::client_options o;
  o.idle_per_origin = 128;  // a class that works in one project must not make it open connections all the time
  o.connect_timeout = std::chrono::seconds(3);
  o.response_timeout = std::chrono::minutes(10);
  o.limits = net::behind_proxies(o.limits, 1);
  o.limits.body_timeout = std::chrono::hours(1);  // a silent event stream is nothing wrong
  return o;
}

}  // namespace

int run_hub_proxy(int argc, char** argv) {
  unsigned connections = 8;
  std::string content_host;
  const service::definition what{
      .name = "hub-proxy",
      .summary = "lets people into their project pods",
      .define =
          [&](settings& s) {
            s.add("database-connections", "N", "sessions with the database at most", connections);
            s.add("content-host", "HOST", "ports and pages of projects are shown below this host name", content_host)
                .check(domain::check_content_host);
          },
      .database = true,
  };
  return service::run(what, argc, argv, [&](service::context& c) -> rt::task<void> {
    pg::pool pool(store::interactive(c.settings().database, connections));
    const auto changes =
        pg::read_changes({.conninfo = c.settings().database, .publication = std::string(store::publication_name)});
    net::http_client to_projects(client_options());
    hub_proxy::grants grants(pool);
    c.router().otherwise([&](net::exchange& e) { return hub_proxy::handle(e, grants, to_projects, content_host); });
    c.spawn(grants.follow(*changes), "follow changes");
    c.spawn(grants.confirm(), "confirm grants");
    c.ready_when("database", [&pool]() -> rt::task<void> {
      auto session = co_await pool.acquire();
      co_await store::require_schema(*session);
    });
    c.on_drain([&grants]() -> rt::task<void> {
      grants.cut_tunnels();  // clients connect again, to a process that stays
      co_return;
    });
    co_await c.serve();
  });
}

}  // namespace atrium
