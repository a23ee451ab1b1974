/// @file pool.hpp - lends PostgreSQL sessions to tasks, FIFO. Layer: pg.
#pragma once

#include "atrium/pg/transport.hpp"

namespace atrium::pg {

struct pool_options {
  std::string conninfo;
  std::size_t connections = 8;  ///< at most
  rt::duration wait_limit =
      std::chrono::seconds(10);  ///< for a session; beyond: overloaded, or what connecting failed with
  rt::duration statement_limit =
      std::chrono::seconds(30);  ///< default deadline of a statement: timed_out, cancelled on the server
  connector connect;             ///< the way to the server; libpq when empty
};

/// @thread one loop. Connections are made when needed, replaced when broken, and come back by themselves after an
/// outage: who asks meanwhile waits for it, up to wait_limit, while one task at a time tries with growing pauses.
class pool {
 public:
  explicit pool(pool_options);
  ~pool();  ///< nobody may hold a lease

  /// Exclusive use of a session; goes back when the lease dies (what is left of a transaction is rolled back).
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
  /// In order of arrival. @errors overloaded, disconnected, denied, not_found
  rt::task<lease> acquire();

  /// One statement on any session.
  rt::task<rows> query(std::string_view sql, parameters = {});

  /// Runs `body(connection&)` in a transaction: commits when it returns, rolls back when it throws. Serialization
  /// failures and deadlocks are retried up to three times, so `body` must have no other effects.
  /// `body` is a callable; it is kept until the transaction is over, so a lambda coroutine may capture.
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
    try {
      co_await session->query("BEGIN");
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
      // The session rolls back as its lease ends, here and below.
      if (attempt == 3 || !worth_a_retry(f.error())) throw;
    }
  }
}

}  // namespace atrium::pg
