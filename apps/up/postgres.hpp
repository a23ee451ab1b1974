/// @file postgres.hpp - Debian's PostgreSQL as a private server of one state folder: Unix socket, no TCP. Layer:
/// apps/up.
#pragma once

#include "apps/up/child.hpp"

namespace atrium::up {

/// A database server in `data` with its socket in `run`. Both folders belong to the calling user. PostgreSQL refuses to
/// run as root; then it runs in a user namespace of its own, in which root's files belong to the user `postgres`.
class postgres_server {
 public:
  postgres_server(std::string data, std::string run, std::string log_file);

  /// initdb when the folder is empty; ends a server that an earlier, killed `up` left behind.
  rt::task<void> prepare();
  child_spec spec() const;
  /// For --database of the services.
  std::string conninfo() const;
  /// Creates the database `atrium` when it is missing. The server must be ready.
  rt::task<void> create_database();

 private:
  std::vector<std::string> command(std::vector<std::string> argv) const;
  std::string data_, run_, log_file_, programs_;
};

}  // namespace atrium::up
