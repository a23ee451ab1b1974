/// @file apply.hpp - server-side apply: who owns which field, merging, conflicts. Layer: apps/devcluster, I/O-free.
///
/// Ownership is kept in metadata.managedFields as Kubernetes writes it (FieldsV1). Only apply owns fields here: an
/// ordinary update changes values without taking ownership.
#pragma once

#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// Notes in `target` that `manager` applied `applied`.
result<void> record_apply(json::value& target, const json::value& applied, std::string_view manager, wall_time now);

/// Merges `applied` into `target`, removes what `manager` applied before and nobody else owns, and records the
/// ownership.
/// @errors Conflict when another manager owns a field with another value and `force` is not set; BadRequest
result<void> merge_applied(json::value& target, const json::value& applied, std::string_view manager, bool force,
                           wall_time now);

}  // namespace atrium::devcluster
