/// @file migrations.hpp - numbered SQL migrations, applied once each, safe with several processes at once. Layer: pg.
#pragma once

#include <span>

#include "atrium/pg/connection.hpp"

namespace atrium::pg {

/// Runs in a transaction of its own, so `sql` has no BEGIN or COMMIT. Never edit one that was released: add another.
struct migration {
  int number;  ///< 1, 2, 3, ...
  std::string_view name;
  std::string_view sql;
};

struct migration_options {
  std::string_view table = "atrium_migrations";  ///< number, name, checksum (SHA-256 of the text), applied
  rt::duration lock_timeout =
      std::chrono::seconds(2);  ///< a migration that waits longer for a table is rolled back and tried again
  int attempts = 30;            ///< for that
};

/// Applies what is missing, in order; gives how many were applied now. Others that call this meanwhile wait (advisory
/// lock). A database with more migrations than `all` is from a newer release and left alone.
/// @errors invalid: numbers are not 1..n, or an applied migration's text differs from ours; else what the server says
rt::task<int> migrate(connection&, std::span<const migration> all, migration_options = {});

}  // namespace atrium::pg
