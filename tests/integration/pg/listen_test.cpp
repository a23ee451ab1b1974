// LISTEN against a real server: wake-ups, coalescing, coming back.
#include "atrium/pg/listen.hpp"

#include "tests/support/backends.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::pg {
namespace {

using namespace std::chrono_literals;
ATRIUM_ON_BACKENDS(Listen);

std::string fresh_database() { return tests::postgres_server::shared().create_database(); }

TEST_P(Listen, EachChannelIsWokenAfterConnectingThenByNotify) {
  run([](std::string conninfo) -> rt::task<void> {
    listener l(conninfo, {"atrium_action", "Odd \"name\""});
    EXPECT_FALSE(l.connected());
    for (const char* channel : {"atrium_action", "Odd \"name\""}) {
      const auto n = co_await l.next();
      EXPECT_EQ(n.channel, channel);
      EXPECT_TRUE(n.missed);
    }
    auto c = co_await connection::connect(conninfo);
    co_await c->query("SELECT pg_notify('atrium_action', 'x')");
    const auto n = co_await l.next();
    EXPECT_EQ(n.channel, "atrium_action");
    EXPECT_EQ(n.payload, "x");
    EXPECT_FALSE(n.missed);
    co_await c->query("NOTIFY \"Odd \"\"name\"\"\"");
    EXPECT_EQ((co_await l.next()).channel, "Odd \"name\"");
  }(fresh_database()));
}

TEST_P(Listen, EqualWaitingNotificationsAreOne) {
  run([](std::string conninfo) -> rt::task<void> {
    listener l(conninfo, {"a", "b"});
    co_await l.next();
    co_await l.next();
    auto c = co_await connection::connect(conninfo);
    // One transaction, so that all of them arrive together; the server itself merges equal ones only within it.
    co_await c->script("BEGIN; NOTIFY a, '1'; NOTIFY a, '2'; NOTIFY b; COMMIT");
    co_await c->script("NOTIFY a, '1'");
    co_await c->script("NOTIFY a, 'end'");
    std::vector<std::string> seen;
    while (seen.empty() || seen.back() != "aend") {
      const auto n = co_await l.next();
      seen.push_back(n.channel + n.payload);
    }
    EXPECT_GE(seen.size(), 4u);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "b"), 1);
  }(fresh_database()));
}

TEST_P(Listen, ComesBackAndSaysThatSomethingMayBeMissed) {
  run([](std::string conninfo) -> rt::task<void> {
    listener l(conninfo, {"a"});
    EXPECT_TRUE((co_await l.next()).missed);
    auto c = co_await connection::connect(conninfo);
    for (int i = 0; i < 2; ++i) {
      co_await c->query(
          "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
          "pg_backend_pid()");
      co_await c->query("NOTIFY a, 'lost'");
      EXPECT_TRUE((co_await l.next()).missed);
      co_await c->query("NOTIFY a, 'heard'");
      EXPECT_EQ((co_await l.next()).payload, "heard");
    }
  }(fresh_database()));
}

TEST_P(Listen, WaitingWithATimeoutLosesNothing) {
  run([](std::string conninfo) -> rt::task<void> {
    listener l(conninfo, {"a"});
    co_await l.next();
    for (int i = 0; i < 3; ++i) {
      try {
        co_await rt::with_timeout(5ms, l.next());
        ADD_FAILURE() << "nobody notified";
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::timed_out);
      }
    }
    auto c = co_await connection::connect(conninfo);
    co_await c->query("NOTIFY a");
    EXPECT_FALSE((co_await l.next()).missed);
  }(fresh_database()));
}

TEST_P(Listen, WaitsForAServerThatIsNotThereYet) {
  tests::postgres_server own;
  own.stop();
  run([](tests::postgres_server& server) -> rt::task<void> {
    listener l(server.conninfo("postgres"), {"a"});
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn([](listener& x) -> rt::task<void> { EXPECT_TRUE((co_await x.next()).missed); }(l), "listen");
      co_await rt::yield();
      server.start();
    });
  }(own));
}

}  // namespace
}  // namespace atrium::pg
