#include "apps/store/migrations.hpp"

#include "apps/store/migrations/steps.hpp"

namespace atrium::store {

std::span<const pg::migration> migrations() noexcept {
  static const pg::migration all[] = {
      {1, "accounts, sessions, keys, projects, settings, logs", step_001},
      {2, "leaders of workers", step_002},
  };
  return all;
}

rt::task<int> migrate(pg::connection& connection) { return pg::migrate(connection, migrations()); }

rt::task<void> require_schema(pg::connection& connection) {
  const auto none = [] {
    return failure(
        error(disposition::conflict, "The database does not have this program's tables yet. Run `atrium migrate`.")
            .with_code("store.schema"));
  };
  const auto table = co_await connection.query("SELECT to_regclass('atrium_migrations') IS NOT NULL AS there");
  if (!table.one().get<bool>("there")) throw none();
  const auto newest = co_await connection.query("SELECT coalesce(max(number), 0) AS number FROM atrium_migrations");
  if (newest.one().get<int>("number") < migrations().back().number) throw none();
}

}  // namespace atrium::store
