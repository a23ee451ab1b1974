/// @file fixture.hpp - a migrated database and a pool for each case.
#pragma once

#include <gtest/gtest.h>

#include "apps/store/accounts.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/project_actions.hpp"
#include "atrium/pg/pool.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::store {

class with_database : public testing::Test {
 protected:
  void SetUp() override {
    conninfo_ = tests::postgres_server::shared().create_database();
    loop_.run(prepare(conninfo_));
  }
  static rt::task<void> prepare(std::string conninfo) {
    auto session = co_await pg::connection::connect(conninfo);
    EXPECT_EQ(co_await migrate(*session), int(migrations().size()));
  }

  /// Runs `body(pool)`, a coroutine; what it captures lives until it is done.
  template <class Body>
  void run(Body body) {
    loop_.run(run_with_pool(body, conninfo_));
  }
  template <class Body>
  static rt::task<void> run_with_pool(Body& body, std::string conninfo) {
    pg::pool pool({.conninfo = conninfo, .connections = 4});
    co_await rt::with_timeout(tests::patience(std::chrono::seconds(30)), body(pool));
  }

  std::string conninfo_;
  rt::loop loop_;
};

inline rt::task<account> make_account(pg::pool& pool, std::string name) {
  co_return co_await accounts(pool).create({name + "@example.org", "$hash", name, "Tester", "192.0.2.1"});
}

template <class Task>
rt::task<std::optional<disposition>> failure_of(Task task) {
  try {
    co_await std::move(task);
  } catch (const failure& f) {
    co_return f.disposition();
  }
  co_return std::nullopt;
}

}  // namespace atrium::store
