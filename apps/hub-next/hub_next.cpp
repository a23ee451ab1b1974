#include "apps/hub-next/hub_next.hpp"

#include "apps/hub-next/site.hpp"
#include "apps/service/service.hpp"
#include "apps/store/interactive.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/base/log.hpp"

namespace atrium {

namespace {

/// Removes what has expired of sessions and counts of attempts, in small bites. Any number of replicas may do so.
rt::task<void> housekeeping(pg::pool& pool) {
  while (true) {
    co_await rt::sleep_for(std::chrono::minutes(10));
    try {
      const auto sessions = co_await store::sessions(pool).remove_expired();
      const auto counts = co_await store::throttle(pool).remove_expired();
      log::debug("expired rows removed", {{"sessions", sessions}, {"throttle", counts}});
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("expired rows not removed", {{"error", f.error()}});
    }
  }
}

}  // namespace

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
    pg::pool pool(store::interactive(c.settings().database, connections));
    net::http_client to_projects({.response_timeout = std::chrono::minutes(65)});  // exec has a timeout of its own
    hub_next::site site{pool, to_projects};
    hub_next::add_pages(c.router(), site);
    hub_next::add_auth(c.router(), site);
    hub_next::add_api(c.router(), site);
    c.spawn(housekeeping(pool), "housekeeping");
    c.ready_when("database", [&pool]() -> rt::task<void> {
      auto session = co_await pool.acquire();
      co_await store::require_schema(*session);
    });
    co_await c.serve();
  });
}

}  // namespace atrium
