// Sessions against a real server: values, errors, transactions, pipelines, cancellation.
#include "atrium/pg/connection.hpp"

#include <csignal>

#include "tests/support/backends.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::pg {
namespace {

using namespace std::chrono_literals;
ATRIUM_ON_BACKENDS(Connection);

/// A limit that the test waits out; what is in time must be so on a busy machine too.
const rt::duration short_limit = tests::patience(500ms);

const std::string& database() {
  static const std::string conninfo = tests::postgres_server::shared().create_database();
  return conninfo;
}

/// The error that `body` ends with.
template <class T>
rt::task<std::optional<error>> error_of_task(rt::task<T> body) {
  try {
    co_await std::move(body);
  } catch (const failure& f) {
    co_return f.error();
  }
  co_return std::nullopt;
}

TEST_P(Connection, ValuesComeBackAsTheyWent) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    const std::string text = "Größe 漢字 \U0001F600 ' \" \\ \n";
    const std::vector<std::string> list = {"a", "b\"c", "", "NULL"};
    auto all = co_await c->query(
        "SELECT $1::text AS t, $2::bigint AS i, $3::boolean AS b, $4::float8 AS d, $5::text AS n, $6::text[] AS a, "
        "$7::jsonb->>'k' AS j",
        {text, std::int64_t{-9007199254740993}, true, 0.1, std::nullopt, array(list), "{\"k\": \"v\"}"});
    const auto row = all.one();
    EXPECT_EQ(row.get<std::string>("t"), text);
    EXPECT_EQ(row.get<std::int64_t>("i"), -9007199254740993);
    EXPECT_TRUE(row.get<bool>("b"));
    EXPECT_EQ(row.get<double>("d"), 0.1);
    EXPECT_EQ(row.get<std::optional<std::string>>("n"), std::nullopt);
    EXPECT_TRUE(row.is_null("n"));
    const auto back = parse_array(row.get<std::string_view>("a"));
    EXPECT_EQ(back.size(), list.size());
    for (std::size_t i = 0; i < back.size(); ++i) EXPECT_EQ(back[i], list[i]);
    EXPECT_EQ(row.get<std::string>("j"), "v");
    EXPECT_THROW(row.get<int>("n"), failure);
    EXPECT_THROW(row.get<int>("t"), failure);
    auto series = co_await c->query("SELECT i FROM generate_series(1, 3) i");
    int sum = 0;
    for (const auto r : series) sum += r.get<int>(0);
    EXPECT_EQ(sum, 6);
    EXPECT_EQ((co_await c->query("SHOW TimeZone")).one().get<std::string>(0), "UTC");
  }());
}

TEST_P(Connection, ErrorsSayWhatTheCallerMayDo) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    co_await c->script(
        "CREATE TEMPORARY TABLE t (id int PRIMARY KEY, n int CHECK (n > 0)); INSERT INTO t VALUES (1, 1)");
    const std::tuple<const char*, disposition, const char*> cases[] = {
        {"INSERT INTO t VALUES (1, 1)", disposition::conflict, "pg.23505"},
        {"INSERT INTO t VALUES (2, 0)", disposition::invalid, "pg.23514"},
        {"SELEKT 1", disposition::invalid, "pg.42601"},
        {"SELECT 1 / 0", disposition::invalid, "pg.22012"},
        {"SELECT * FROM missing_table", disposition::invalid, "pg.42P01"}};
    for (const auto& [sql, what, code] : cases) {
      const auto e = co_await error_of_task(c->query(sql));
      EXPECT_TRUE(e);
      if (!e) continue;
      EXPECT_EQ(e->disposition(), what) << sql;
      EXPECT_EQ(e->code(), code);
      EXPECT_EQ(e->public_text().find("missing_table"), std::string::npos) << "server text is for logs only";
      EXPECT_FALSE(e->peer_text().empty());
    }
    const std::string nul("a\0b", 3);
    EXPECT_EQ((co_await error_of_task(c->query("SELECT $1::text", {nul})))->disposition(), disposition::invalid);
    EXPECT_EQ((co_await c->query("SELECT 1")).one().get<int>(0), 1) << "the session goes on";
  }());
}

TEST_P(Connection, RefusedConnectionsAreTyped) {
  run([]() -> rt::task<void> {
    auto& server = tests::postgres_server::shared();
    EXPECT_EQ((co_await error_of_task(connection::connect(server.conninfo("no_such_database"))))->disposition(),
              disposition::not_found);
    EXPECT_EQ((co_await error_of_task(connection::connect("host=/nonexistent dbname=x")))->disposition(),
              disposition::disconnected);
    EXPECT_EQ((co_await error_of_task(connection::connect("host=127.0.0.1 port=1 dbname=x user=y")))->disposition(),
              disposition::disconnected);
    EXPECT_EQ((co_await error_of_task(connection::connect("what is this")))->disposition(), disposition::invalid);
    EXPECT_EQ((co_await error_of_task(connection::connect("postgresql://[bad")))->disposition(), disposition::invalid);
  }());
}

TEST_P(Connection, CommitOfAFailedTransactionIsAnError) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    co_await c->query("BEGIN");
    EXPECT_TRUE(co_await error_of_task(c->query("SELECT 1 / 0")));
    EXPECT_EQ((co_await error_of_task(c->query("SELECT 1")))->code(), "pg.25P02");
    EXPECT_EQ((co_await error_of_task(c->query("COMMIT")))->code(), "pg.25P02");
    EXPECT_EQ((co_await c->query("SELECT 1")).size(), 1u);
  }());
}

TEST_P(Connection, OneFailureInAPipelineDoesNotTouchTheOthers) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    co_await c->script("CREATE TEMPORARY TABLE t (id int PRIMARY KEY)");
    std::vector<connection::statement> all;
    for (int i = 0; i < 500; ++i)
      all.push_back({"INSERT INTO t VALUES ($1)", {i == 250 ? 0 : i}});  // 250 repeats key 0
    all.push_back({"SELEKT", {}});
    all.push_back({"SELEKT", {}});
    all.push_back({"SELECT count(*) FROM t", {}});
    auto outcomes = co_await c->pipeline(std::move(all));
    EXPECT_EQ(outcomes.size(), 503u);
    for (int i = 0; i < 500; ++i) EXPECT_EQ(outcomes[i].error.has_value(), i == 250) << i;
    EXPECT_EQ(outcomes[250].error->code(), "pg.23505");
    EXPECT_EQ(outcomes[0].take().affected(), 1u);
    EXPECT_EQ(outcomes[500].error->code(), "pg.42601");
    EXPECT_EQ(outcomes[501].error->code(), "pg.42601") << "not: unknown prepared statement";
    EXPECT_EQ(outcomes[502].take().one().get<int>(0), 499);
  }());
}

TEST_P(Connection, LargeParametersAndAnswersInOnePipelineDoNotBlockEachOther) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    const std::string big(3'000'000, 'x');
    std::vector<connection::statement> all;
    for (int i = 0; i < 6; ++i) all.push_back({"SELECT $1::text || $1::text", {big}});
    auto outcomes = co_await c->pipeline(std::move(all));
    for (auto& o : outcomes) EXPECT_EQ(o.take().one().get<std::string_view>(0).size(), 6'000'000u);
  }());
}

TEST_P(Connection, CancellationStopsTheServerAndKeepsTheSession) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    auto watcher = co_await connection::connect(database());
    const int pid = c->backend_pid();
    for (const char* sql : {"SELECT pg_sleep(60)", "SELECT count(*) FROM generate_series(1, 100000000000)"}) {
      const auto e = co_await error_of_task(rt::with_timeout(100ms, c->query(sql)));
      EXPECT_TRUE(e && e->disposition() == disposition::timed_out) << sql;
      EXPECT_TRUE(c->usable());
      const auto state = co_await watcher->query("SELECT state FROM pg_stat_activity WHERE pid = $1", {pid});
      EXPECT_EQ(state.one().get<std::string>(0), "idle");
      EXPECT_EQ((co_await c->query("SELECT 7")).one().get<int>(0), 7);
    }
    const auto e =
        co_await error_of_task(rt::with_timeout(100ms, c->script("SELECT 1; SELECT pg_sleep(60); SELECT 2")));
    EXPECT_TRUE(e && e->disposition() == disposition::timed_out);
    EXPECT_EQ((co_await c->query("SELECT 8")).one().get<int>(0), 8);
    EXPECT_EQ(c->backend_pid(), pid);
  }());
}

TEST_P(Connection, CancelledPipelineLeavesAUsableSession) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    std::vector<connection::statement> all(5, {"SELECT pg_sleep(60)", {}});
    const auto e = co_await error_of_task(rt::with_timeout(100ms, c->pipeline(std::move(all))));
    EXPECT_TRUE(e && e->disposition() == disposition::timed_out);
    EXPECT_TRUE(c->usable());
    EXPECT_EQ((co_await c->query("SELECT 9")).one().get<int>(0), 9);
  }());
}

TEST_P(Connection, StatementLimitCancelsByItself) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database(), {.statement_limit = short_limit});
    const auto e = co_await error_of_task(c->query("SELECT pg_sleep(60)"));
    EXPECT_TRUE(e && e->disposition() == disposition::timed_out && e->code() == "pg.57014");
    EXPECT_EQ((co_await c->query("SELECT 1")).size(), 1u);
  }());
}

TEST_P(Connection, AStoppedServerIsNotWaitedForWithoutEnd) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database(), {.statement_limit = short_limit});
    const auto file = (co_await c->query("SELECT pg_read_file('postmaster.pid')")).one().get<std::string>(0);
    struct stopped {
      pid_t server, backend;
      stopped(pid_t s, pid_t b) : server(s), backend(b) { send(SIGSTOP); }
      ~stopped() { send(SIGCONT); }
      void send(int signal) const {
        for (const auto pid : {server, backend}) EXPECT_EQ(::kill(pid, signal), 0);
      }
    };
    {
      // The request to cancel is not taken either, so the session is given up.
      const stopped all(std::stoi(file), static_cast<pid_t>(c->backend_pid()));
      const auto e = co_await rt::with_timeout(20s, error_of_task(c->query("SELECT 1")));
      EXPECT_TRUE(e && (e->disposition() == disposition::timed_out || e->disposition() == disposition::disconnected));
      EXPECT_FALSE(c->usable());
    }
    auto again = co_await connection::connect(database());
    EXPECT_EQ((co_await again->query("SELECT 1")).size(), 1u);
  }());
}

TEST_P(Connection, SchemaChangesDoNotBreakPreparedStatements) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database(), {.prepared_statements = 4});
    co_await c->script("CREATE TEMPORARY TABLE t (a int); INSERT INTO t VALUES (1)");
    EXPECT_EQ((co_await c->query("SELECT * FROM t")).columns(), 1u);
    co_await c->script("ALTER TABLE t ADD b int");
    EXPECT_EQ((co_await c->query("SELECT * FROM t")).columns(), 2u) << "prepared again after 0A000";
    co_await c->script("DEALLOCATE ALL");
    EXPECT_EQ((co_await c->query("SELECT * FROM t")).columns(), 2u) << "prepared again after 26000";
    for (int i = 0; i < 20; ++i) EXPECT_EQ((co_await c->query("SELECT " + std::to_string(i))).one().get<int>(0), i);
    const auto kept = co_await c->query("SELECT count(*) FROM pg_prepared_statements");
    EXPECT_LE(kept.one().get<int>(0), 5) << "the least recently used are dropped on the server";
  }());
}

TEST_P(Connection, WhatFailsAtItsCommitIsReported) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    co_await c->query("CREATE TEMP TABLE deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    co_await c->query("INSERT INTO deferred VALUES (1)");
    const auto e = co_await error_of_task(c->query("INSERT INTO deferred VALUES (1) RETURNING n"));
    EXPECT_TRUE(e && e->code() == "pg.23505");
    auto all = co_await c->pipeline({{"INSERT INTO deferred VALUES (1)", {}}, {"SELECT count(*) FROM deferred", {}}});
    EXPECT_TRUE(all[0].error && !all[0].rows);
    EXPECT_EQ(all[1].take().one().get<int>(0), 1);
    EXPECT_TRUE(c->usable());
  }());
}

TEST_P(Connection, LostSessionIsReportedAsDisconnected) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    auto other = co_await connection::connect(database());
    co_await other->query("SELECT pg_terminate_backend($1, 5000)", {c->backend_pid()});
    const auto e = co_await error_of_task(c->query("SELECT 1"));
    EXPECT_TRUE(e && e->disposition() == disposition::disconnected);
    EXPECT_TRUE(co_await error_of_task(c->query("SELECT 1")));
    EXPECT_FALSE(c->usable());
  }());
}

TEST_P(Connection, CopyIsRefusedWithoutHanging) {
  run([]() -> rt::task<void> {
    auto c = co_await connection::connect(database());
    EXPECT_TRUE(co_await error_of_task(c->query("COPY (SELECT 1) TO STDOUT")));
    auto d = co_await connection::connect(database());
    EXPECT_TRUE(co_await error_of_task(d->script("COPY (SELECT 1) TO STDOUT")));
  }());
}

}  // namespace
}  // namespace atrium::pg
