#include "apps/hub-next/hub_next.hpp"

#include "apps/hub-next/site.hpp"
#include "apps/service/service.hpp"
#include "apps/store/migrations.hpp"

namespace atrium {

int run_hub_next(int argc, char** argv) {
  unsigned connections = 8;
  const service::definition what{
      .name = "hub-next",
      .summary = "landing page, signing up and in, information pages and /api/v2",
      .define =
          [&](settings& s) { s.add("database-connections", "N", "sessions with the database at most", connections); },
      .database = true,
  };
  return service::run(what, argc, argv, [&](service::context& c) -> rt::task<void> {
    pg::pool pool({.conninfo = c.settings().database, .connections = connections});
    net::http_client to_projects({.response_timeout = std::chrono::minutes(65)});  // exec has a timeout of its own
    hub_next::site site{pool, to_projects};
    hub_next::add_pages(c.router(), site);
    hub_next::add_auth(c.router(), site);
    hub_next::add_api(c.router(), site);
    c.ready_when("database", [&pool]() -> rt::task<void> {
      auto session = co_await pool.acquire();
      co_await store::require_schema(*session);
    });
    co_await c.serve();
  });
}

}  // namespace atrium
