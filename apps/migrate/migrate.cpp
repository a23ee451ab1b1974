#include "apps/migrate/migrate.hpp"

#include "apps/store/migrations.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/settings.hpp"

namespace atrium {

namespace {

/// A connection, as soon as the server takes one. @errors timed_out after `patience`
rt::task<std::unique_ptr<pg::connection>> connect(std::string conninfo, rt::duration patience) {
  const auto until = rt::loop::current().now() + patience;
  while (true) {
    try {
      co_return co_await pg::connection::connect(conninfo);
    } catch (const failure& f) {
      const bool may_come = f.disposition() == disposition::disconnected || f.disposition() == disposition::overloaded;
      if (!may_come || rt::loop::current().now() >= until) throw;
      log::debug("database not there yet", {{"error", f.error()}});
    }
    co_await rt::sleep_for(std::chrono::milliseconds(100));
  }
}

rt::task<void> migrate(std::string conninfo, rt::duration patience) {
  const auto connection = co_await connect(std::move(conninfo), patience);
  const int applied = co_await store::migrate(*connection);
  log::info("database migrated", {{"applied", applied}, {"schema", store::migrations().back().number}});
}

}  // namespace

int run_migrate(int argc, char** argv) {
  std::string database;
  std::chrono::nanoseconds wait = std::chrono::seconds(30);
  settings s("migrate", "brings the database to this program's schema, then ends");
  s.add("database", "CONNINFO", "connection string of PostgreSQL as of libpq", database);
  s.add("wait", "DURATION", "how long to wait for a database that is still starting", wait);
  if (const auto code = s.parse(argc, argv)) return *code;
  log::configure("migrate");
  try {
    rt::loop loop;
    loop.run(migrate(database, std::chrono::duration_cast<rt::duration>(wait)));
    return 0;
  } catch (const failure& f) {
    log::error("database not migrated", {{"error", f.error()}});
    return 1;
  }
}

}  // namespace atrium
