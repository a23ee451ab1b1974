/// @file postgres.hpp - a real, private PostgreSQL server for the tests of one program.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>

namespace atrium::tests {

/// Made by initdb in a temporary folder; reached by Unix socket only; wal_level=logical, fsync off, UTC, trust.
/// Runs as the current user, or as `postgres` (else `nobody`) when that is root. A watcher process ends it and removes
/// the folder when this process ends, however it ends. Blocking: call from outside of loops, or accept a short stall.
class postgres_server {
 public:
  /// The server of this test program, started at first use. Throws std::runtime_error where none can be started.
  static postgres_server& shared();

  postgres_server();
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;

  /// Makes a fresh, empty database and gives its conninfo (superuser `atrium`).
  std::string create_database();
  /// conninfo of an existing database.
  std::string conninfo(const std::string& database) const;
  /// Folder of the Unix socket, as `host=` takes it.
  const std::string& folder() const noexcept { return folder_; }

  /// Ends the server at once, as a crash would (immediate shutdown), and starts it again on the same data.
  void stop();
  void start();

 private:
  std::string folder_, programs_;
  pid_t watcher_ = -1;
  int lifeline_ = -1;
  std::atomic<unsigned> databases_{0};
};

}  // namespace atrium::tests
