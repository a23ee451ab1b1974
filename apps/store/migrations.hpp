/// @file migrations.hpp - the schema, as numbered steps that are applied once each. Layer: apps/store.
/// Names of tables, columns and indexes are those that existing databases have, so that one can be adopted: every step
/// creates what is missing and leaves alone what is there.
#pragma once

#include <span>

#include "atrium/pg/migrations.hpp"

namespace atrium::store {

/// In order, numbers 1, 2, ...; a step that was released is never changed.
std::span<const pg::migration> migrations() noexcept;

/// Brings the database to this program's schema; several processes may do it at once. Gives how many steps were
/// applied. A database that is newer than this program is left alone.
rt::task<int> migrate(pg::connection&);

/// For /ready: throws failure(conflict) when the database has not been migrated to this program's schema.
rt::task<void> require_schema(pg::connection&);

}  // namespace atrium::store
