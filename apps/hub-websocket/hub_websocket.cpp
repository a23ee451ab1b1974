#include "apps/hub-websocket/hub_websocket.hpp"

#include "apps/hub-websocket/hub.hpp"
#include "apps/service/service.hpp"
#include "apps/store/columns.hpp"
#include "apps/store/interactive.hpp"
#include "apps/store/migrations.hpp"
#include "atrium/pg/changes.hpp"

namespace atrium {
namespace hub_websocket {

namespace {

rt::task<void> serve(service::context& c, unsigned sessions) {
  const auto& conninfo = c.settings().database;
  pg::pool pool(store::interactive(conninfo, sessions));
  hub h(pool, pg::read_changes({.conninfo = conninfo, .publication = std::string(store::publication_name)}));
  c.router().add("GET", "/hub", [&h](net::exchange& e) { return h.handle(e); });
  c.ready_when("schema", [&pool]() -> rt::task<void> {
    auto session = co_await pool.acquire();
    co_await store::require_schema(*session);
  });
  c.ready_when("changes", [&h]() -> rt::task<void> {
    h.check_ready();
    co_return;
  });
  c.before_metrics([&h] { h.publish_metrics(); });
  c.on_drain([&h, grace = c.settings().grace] { return h.drain(grace); });
  c.spawn(h.follow_changes(), "change stream");
  c.spawn(h.watch_sessions(), "sessions");
  co_await c.serve();
}

}  // namespace
}  // namespace hub_websocket

int run_hub_websocket(int argc, char** argv) {
  unsigned sessions = 8;
  return service::run({.name = "hub-websocket",
                       .summary = "browsers' requests and live queries over one WebSocket",
                       .define =
                           [&](settings& s) {
                             s.add("database-sessions", "N", "sessions with the database, besides the change stream",
                                   sessions);
                           },
                       .database = true},
                      argc, argv, [&](service::context& c) { return hub_websocket::serve(c, sessions); });
}

}  // namespace atrium
