#include "atrium/pg/migrations.hpp"

#include "atrium/base/log.hpp"
#include "wire.hpp"

namespace atrium::pg {
namespace {

/// Key of the advisory lock: the same in every release.
constexpr std::int64_t lock_key = 0x6174726975'6d01;  // "atrium" 1

rt::task<void> lock(connection& db) {
  // Polled: a session that waits inside the server would hold a snapshot, and CREATE INDEX CONCURRENTLY waits for
  // those.
  for (;;) {
    const auto got = co_await db.query("SELECT pg_try_advisory_lock($1::bigint)", {lock_key});
    if (got.one().get<bool>(0)) co_return;
    co_await rt::sleep_for(std::chrono::milliseconds(50));
  }
}

rt::task<void> apply_once(connection& db, const migration& m, const std::string& table, rt::duration lock_timeout) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(lock_timeout).count();
  co_await db.query("BEGIN");
  co_await db.query("SELECT set_config('lock_timeout', $1, true)", {std::to_string(ms) + "ms"});
  co_await db.script(m.sql);
  co_await db.query("INSERT INTO " + table +
                        " (number, name, checksum) VALUES ($1, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex'))",
                    {m.number, m.name, m.sql});
  co_await db.query("COMMIT");
}

rt::task<void> apply(connection& db, const migration& m, const std::string& table, const migration_options& options) {
  for (int attempt = 1;; ++attempt) {
    std::exception_ptr failed;
    bool again = false;
    try {
      co_await apply_once(db, m, table, options.lock_timeout);
      log::info("migration applied", {{"number", m.number}, {"name", m.name}});
      co_return;
    } catch (const failure& f) {
      failed = std::current_exception();
      again = attempt < options.attempts && (f.error().code() == "pg.55P03" || worth_a_retry(f.error()));
      log::warn("migration failed", {{"number", m.number}, {"name", m.name}, {"again", again}, {"error", f.error()}});
    }
    if (db.usable()) co_await rt::shield(rt::with_timeout(std::chrono::seconds(10), db.query("ROLLBACK")));
    if (!again) std::rethrow_exception(failed);
    co_await rt::sleep_for(std::chrono::milliseconds(200));
  }
}

rt::task<int> apply_missing(connection& db, std::span<const migration> all, const std::string& table,
                            const migration_options& options) {
  co_await db.query("CREATE TABLE IF NOT EXISTS " + table +
                    " (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied timestamptz NOT "
                    "NULL DEFAULT now())");
  int applied = 0;
  for (const auto& m : all) {
    const auto known = co_await db.query(
        "SELECT checksum = encode(sha256(convert_to($2, 'UTF8')), 'hex') FROM " + table + " WHERE number = $1",
        {m.number, m.sql});
    if (const auto row = known.maybe()) {
      if (!row->get<bool>(0))
        fail(disposition::invalid, "Migration " + std::to_string(m.number) +
                                       " of the database differs from this release's: a released migration was edited. "
                                       "Restore its text and add a new migration.");
      continue;
    }
    co_await apply(db, m, table, options);
    ++applied;
  }
  co_return applied;
}

}  // namespace

rt::task<int> migrate(connection& db, std::span<const migration> all, migration_options options) {
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].number != static_cast<int>(i) + 1)
      fail(disposition::invalid,
           "Migrations must be numbered 1, 2, 3, ... without gaps; number " + std::to_string(i + 1) + " is missing.");
  const std::string table = quote_identifier(options.table);
  co_await lock(db);
  std::exception_ptr failed;
  int applied = 0;
  try {
    applied = co_await apply_missing(db, all, table, options);
  } catch (...) {
    failed = std::current_exception();
  }
  if (db.usable())
    co_await rt::shield(
        rt::with_timeout(std::chrono::seconds(10), db.query("SELECT pg_advisory_unlock($1::bigint)", {lock_key})));
  if (failed) std::rethrow_exception(failed);
  co_return applied;
}

}  // namespace atrium::pg
