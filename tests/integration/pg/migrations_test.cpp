// Migrations against a real server.
#include "atrium/pg/migrations.hpp"

#include "tests/support/backends.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::pg {
namespace {

using namespace std::chrono_literals;
ATRIUM_ON_BACKENDS(Migrations);

std::string fresh_database() { return tests::postgres_server::shared().create_database(); }

constexpr migration first_two[] = {
    {1, "accounts",
     "CREATE TABLE accounts (id int PRIMARY KEY); INSERT INTO accounts VALUES (1); SELECT pg_sleep(0.05)"},
    {2, "names", "ALTER TABLE accounts ADD name text NOT NULL DEFAULT ''"},
};

rt::task<void> migrate_alone(std::string conninfo, int& applied) {
  auto c = co_await connection::connect(std::move(conninfo));
  applied += co_await migrate(*c, first_two);
}

TEST_P(Migrations, ApplyOnceThoughSeveralTryAtOnce) {
  run([](std::string conninfo) -> rt::task<void> {
    int applied = 0;
    co_await rt::all(migrate_alone(conninfo, applied), migrate_alone(conninfo, applied),
                     migrate_alone(conninfo, applied));
    EXPECT_EQ(applied, 2);
    auto c = co_await connection::connect(conninfo);
    EXPECT_EQ((co_await c->query("SELECT count(*) FROM accounts WHERE name = ''")).one().get<int>(0), 1);
    EXPECT_EQ(co_await migrate(*c, first_two), 0);
    EXPECT_EQ((co_await c->query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).one().get<int>(0), 0);
  }(fresh_database()));
}

TEST_P(Migrations, FailedOneLeavesNothingBehindAndEarlierOnesStay) {
  run([](std::string conninfo) -> rt::task<void> {
    auto c = co_await connection::connect(conninfo);
    const migration broken[] = {first_two[0], {2, "broken", "CREATE TABLE half (id int); SELECT 1 / 0"}};
    try {
      co_await migrate(*c, broken);
      ADD_FAILURE();
    } catch (const failure& f) {
      EXPECT_EQ(f.error().code(), "pg.22012");
    }
    EXPECT_TRUE((co_await c->query("SELECT to_regclass('half')")).one().is_null(0));
    EXPECT_EQ(co_await migrate(*c, first_two), 1);
  }(fresh_database()));
}

TEST_P(Migrations, EditedTextAndGapsAreRefusedNewerDatabasesAreNot) {
  run([](std::string conninfo) -> rt::task<void> {
    auto c = co_await connection::connect(conninfo);
    EXPECT_EQ(co_await migrate(*c, first_two), 2);
    const migration edited[] = {{1, "accounts", "CREATE TABLE accounts (id bigint PRIMARY KEY)"}};
    const migration gap[] = {{2, "x", "SELECT 1"}};
    for (const auto& wrong : {std::span<const migration>(edited), std::span<const migration>(gap)}) {
      try {
        co_await migrate(*c, wrong);
        ADD_FAILURE();
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::invalid);
      }
    }
    EXPECT_EQ(co_await migrate(*c, std::span(first_two).first(1)), 0) << "an older release beside a newer database";
  }(fresh_database()));
}

TEST_P(Migrations, BusyTableIsTriedAgainInsteadOfBlockingEverybody) {
  run([](std::string conninfo) -> rt::task<void> {
    auto c = co_await connection::connect(conninfo);
    co_await migrate(*c, std::span(first_two).first(1));
    auto holder = co_await connection::connect(conninfo);
    co_await holder->script("BEGIN; SELECT * FROM accounts");
    int applied = 0;
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn(
          [](connection& db, int& n) -> rt::task<void> { n = co_await migrate(db, first_two, {.lock_timeout = 10ms}); }(
                                         *c, applied),
          "migrate");
      // Until the migration has been refused the lock at least once (its backend reports the wait in between).
      auto watcher = co_await connection::connect(conninfo);
      while ((co_await watcher->query("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND query LIKE 'ROLLBACK%'",
                                      {c->backend_pid()}))
                 .empty())
        co_await rt::sleep_for(1ms);
      co_await holder->query("COMMIT");
    });
    EXPECT_EQ(applied, 1);
  }(fresh_database()));
}

}  // namespace
}  // namespace atrium::pg
