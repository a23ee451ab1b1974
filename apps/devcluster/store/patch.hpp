/// @file patch.hpp - JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch. Layer: apps/devcluster,
/// I/O-free.
#pragma once

#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// @errors BadRequest (malformed), Invalid (a `test` failed or a path is missing), RequestEntityTooLarge (more than
/// 10,000 operations, or copies of more than 3 MiB)
result<void> apply_json_patch(json::value& target, const json::value& patch);

void apply_merge_patch(json::value& target, const json::value& patch);

/// Lists whose elements are told apart by a field (containers by name, conditions by type, ...) are merged element by
/// element; others are replaced. Understands `$patch` (delete, replace, merge), `$deleteFromPrimitiveList/`,
/// `$setElementOrder/` and `$retainKeys`. @errors BadRequest
result<void> apply_strategic_patch(json::value& target, const json::value& patch);

/// The field that tells the elements of this list apart ("spec.containers" -> "name"), or empty when the list is atomic
/// or holds plain values. `path` is the list's place with dots, without indexes.
std::string_view merge_key(std::string_view path) noexcept;
/// True for lists of plain values that are united (metadata.finalizers).
bool is_set_list(std::string_view path) noexcept;

}  // namespace atrium::devcluster
