/// @file held_commits.hpp - stretches the moment in which a commit is on disk, and so in the change stream, but not yet
/// visible to any session.
#pragma once

#include <functional>

#include "atrium/pg/pool.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::tests {

/// Runs `body` while every commit of the server waits for a standby that there is not; afterwards they become visible.
inline rt::task<void> with_held_commits(pg::pool& pool, std::function<rt::task<void>()> body) {
  const auto standby = [&](std::string name) -> rt::task<void> {
    co_await pool.query("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
    co_await pool.query("SELECT pg_reload_conf()");
  };
  bool held = false;
  const auto write = [&]() -> rt::task<void> {  // the setting takes a moment to arrive
    while (!held) co_await pool.query("INSERT INTO held_commits VALUES (1)");
  };
  const auto work = [&]() -> rt::task<void> {
    while (!held) {
      held = !(co_await pool.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = "
                                   "'SyncRep'"))
                  .empty();
      co_await rt::sleep_for(std::chrono::milliseconds(2));
    }
    std::exception_ptr failed;
    try {
      co_await body();
    } catch (...) {
      failed = std::current_exception();
    }
    co_await rt::shield(standby(""));
    if (failed) std::rethrow_exception(failed);
  };
  co_await pool.query("CREATE TABLE IF NOT EXISTS held_commits (n int)");
  co_await standby("nobody");
  co_await rt::all(write(), work());
}

}  // namespace atrium::tests
