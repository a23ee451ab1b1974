/// @file migrations.hpp - the schema, as numbered steps that are applied once each. Layer: apps/store.
/// Names of tables, columns and indexes are those that existing databases have, so that one can be adopted: every step
/// creates what is missing and leaves alone what is there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atrium/pg/connection.hpp"

namespace atrium::store {

struct migration {
  int number;
  std::string_view name, sql;
};
/// In order, numbers 1, 2, ...; a step that was released is never changed.
std::span<const migration> migrations() noexcept;

/// Brings the database to this program's schema. Each step is one transaction under an advisory lock, so several
/// processes may do it at once. Gives the numbers applied now.
/// @errors conflict when the database is newer than this program
rt::task<std::vector<int>> migrate(pg::connection&);
/// Number of the last step applied; 0 for an empty database.
rt::task<int> schema_version(pg::connection&);

}  // namespace atrium::store
