/// @file pool.hpp - lends PostgreSQL sessions to tasks, FIFO. Layer: pg.
#pragma once

#include "atrium/pg/connection.hpp"

namespace atrium::pg {

struct pool_options {
  std::string conninfo;
  std::size_t connections = 8;
  rt::duration wait_limit = std::chrono::seconds(10);       ///< for a session; beyond: overloaded
  rt::duration statement_limit = std::chrono::seconds(30);  ///< default deadline of a statement: timed_out, cancelled on the server
};

/// @thread one loop. Connections are made when needed, replaced when broken, and come back by themselves after an outage.
class pool {
 public:
  explicit pool(pool_options);
  ~pool();  ///< nobody may hold a lease

  /// Exclusive use of a session; goes back when the lease dies (a session inside a failed transaction is rolled back first).
  class lease {
   public:
    lease(lease&&) noexcept;
    lease& operator=(lease&&) noexcept;
    ~lease();
    connection* operator->() const noexcept;
    connection& operator*() const noexcept;

   private:
    friend class pool;
    struct impl;
    std::unique_ptr<impl> impl_;
    lease();
  };
  rt::task<lease> acquire();

  /// One statement on any session.
  rt::task<rows> query(std::string_view sql, parameters = {});

  /// Runs `body(connection&)` in a transaction: commits when it returns, rolls back when it throws. Serialization
  /// failures and deadlocks are retried up to three times, so `body` must have no other effects.
  template <class Body>
  auto transaction(Body body) -> decltype(body(std::declval<connection&>()));

 private:
  struct state;
  std::unique_ptr<state> state_;
};

template <class Body>
auto pool::transaction(Body body) -> decltype(body(std::declval<connection&>())) {
  for (int attempt = 1;; ++attempt) {
    auto session = co_await acquire();
    co_await session->query("BEGIN");
    std::exception_ptr failed;
    bool again = false;
    try {
      if constexpr (std::is_void_v<decltype(body(std::declval<connection&>()).operator co_await().await_resume())>) {
        co_await body(*session);
        co_await session->query("COMMIT");
        co_return;
      } else {
        auto value = co_await body(*session);
        co_await session->query("COMMIT");
        co_return value;
      }
    } catch (const failure& f) {
      failed = std::current_exception();
      again = attempt < 3 && (f.error().code() == "pg.40001" || f.error().code() == "pg.40P01");
    } catch (...) {
      failed = std::current_exception();
    }
    if (session->usable()) co_await rt::shield([](connection& c) -> rt::task<void> { co_await c.query("ROLLBACK"); }(*session));
    if (!again) std::rethrow_exception(failed);
  }
}

}  // namespace atrium::pg
