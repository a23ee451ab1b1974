// The pool against a real server: order, exhaustion, transactions, outages.
#include "atrium/pg/pool.hpp"

#include "tests/support/backends.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::pg {
namespace {

using namespace std::chrono_literals;
ATRIUM_ON_BACKENDS(Pool);

/// A limit that the test waits out; what is in time must be so on a busy machine too.
const rt::duration short_limit = tests::patience(500ms);

std::string fresh_database() { return tests::postgres_server::shared().create_database(); }

template <class T>
rt::task<disposition> disposition_of(rt::task<T> body) {
  try {
    co_await std::move(body);
  } catch (const failure& f) {
    co_return f.disposition();
  }
  co_return disposition::failed;
}

rt::task<void> note_turn(pool& p, std::vector<int>& order, int number) {
  auto held = co_await p.acquire();
  order.push_back(number);
  co_await held->query("SELECT 1");
}

TEST_P(Pool, ServesInOrderOfArrival) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 1});
    std::vector<int> order;
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      auto first = co_await p.acquire();
      for (int i = 0; i < 10; ++i) s.spawn(note_turn(p, order, i), "turn");
      co_await rt::yield();
      co_await first->query("SELECT 1");
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ((co_await p.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))
                  .one()
                  .get<int>(0),
              1);
  }(fresh_database()));
}

TEST_P(Pool, ExhaustionIsOverloadedAndPasses) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 2, .wait_limit = short_limit});
    {
      auto a = co_await p.acquire();
      auto b = co_await p.acquire();
      EXPECT_EQ(co_await disposition_of(p.query("SELECT 1")), disposition::overloaded);
    }
    EXPECT_EQ((co_await p.query("SELECT 1")).size(), 1u);
  }(fresh_database()));
}

TEST_P(Pool, TransactionsCommitRollBackAndAbandonedOnesAreCleanedUp) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 1});
    co_await p.query("CREATE TABLE t (n int)");
    const int answer = co_await p.transaction([](connection& c) -> rt::task<int> {
      co_await c.query("INSERT INTO t VALUES (1)");
      co_return 42;
    });
    EXPECT_EQ(answer, 42);
    EXPECT_EQ(co_await disposition_of(p.transaction([](connection& c) -> rt::task<void> {
                co_await c.query("INSERT INTO t VALUES (2)");
                fail(disposition::denied, "no");
              })),
              disposition::denied);
    {
      auto left_open = co_await p.acquire();
      co_await left_open->query("BEGIN");
      co_await left_open->query("INSERT INTO t VALUES (3)");
    }
    auto rows = co_await p.query("SELECT n FROM t");
    EXPECT_EQ(rows.one().get<int>(0), 1);
  }(fresh_database()));
}

TEST_P(Pool, SerializationFailuresAreRetried) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 3});
    co_await p.query("CREATE TABLE t (n int)");
    co_await p.query("INSERT INTO t VALUES (0)");
    int runs = 0;
    co_await p.transaction([&](connection& c) -> rt::task<void> {
      co_await c.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      co_await c.query("SELECT n FROM t");
      if (++runs == 1) co_await p.query("UPDATE t SET n = n + 10");  // in between, from another session
      co_await c.query("UPDATE t SET n = n + 1");
    });
    EXPECT_EQ(runs, 2);
    EXPECT_EQ((co_await p.query("SELECT n FROM t")).one().get<int>(0), 11);
  }(fresh_database()));
}

TEST_P(Pool, StatementLimitAppliesAndSessionsStay) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 1, .statement_limit = short_limit});
    const int pid = (co_await p.query("SELECT pg_backend_pid()")).one().get<int>(0);
    EXPECT_EQ(co_await disposition_of(p.query("SELECT pg_sleep(60)")), disposition::timed_out);
    EXPECT_EQ((co_await p.query("SELECT pg_backend_pid()")).one().get<int>(0), pid);
  }(fresh_database()));
}

TEST_P(Pool, DeadSessionsAreReplaced) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 2});
    auto other = co_await connection::connect(conninfo);
    const int pid = (co_await p.query("SELECT pg_backend_pid()")).one().get<int>(0);
    co_await other->query("SELECT pg_terminate_backend($1, 5000)", {pid});
    EXPECT_NE((co_await p.query("SELECT pg_backend_pid()")).one().get<int>(0), pid);
  }(fresh_database()));
}

TEST_P(Pool, OutagesAreWaitedOut) {
  tests::postgres_server own;
  run([](tests::postgres_server& server) -> rt::task<void> {
    pool p({.conninfo = server.conninfo("postgres"), .connections = 2, .wait_limit = 20s});
    co_await p.query("SELECT 1");
    server.stop();
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      for (int i = 0; i < 4; ++i)
        s.spawn([](pool& q) -> rt::task<void> { EXPECT_EQ((co_await q.query("SELECT 1")).size(), 1u); }(p), "query");
      co_await rt::sleep_for(100ms);  // lets some attempts fail; the outcome does not depend on how many
      server.start();
    });
    server.stop();
    pool impatient({.conninfo = server.conninfo("postgres"), .wait_limit = short_limit});
    EXPECT_EQ(co_await disposition_of(impatient.query("SELECT 1")), disposition::disconnected);
    server.start();
  }(own));
}

TEST_P(Pool, RefusalsAreReportedAtOnce) {
  run([]() -> rt::task<void> {
    pool p({.conninfo = tests::postgres_server::shared().conninfo("no_such_database")});
    EXPECT_EQ(co_await disposition_of(p.query("SELECT 1")), disposition::not_found);
  }());
}

TEST_P(Pool, CancelledWaitersLeaveThePoolWhole) {
  run([](std::string conninfo) -> rt::task<void> {
    pool p({.conninfo = conninfo, .connections = 1});
    {
      auto held = co_await p.acquire();
      for (int i = 0; i < 3; ++i)
        EXPECT_EQ(co_await disposition_of(rt::with_timeout(5ms, p.query("SELECT 1"))), disposition::timed_out);
    }
    EXPECT_EQ((co_await p.query("SELECT 1")).size(), 1u);
  }(fresh_database()));
}

}  // namespace
}  // namespace atrium::pg
