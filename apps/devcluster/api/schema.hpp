/// @file schema.hpp - which fields our kinds have, and of which type. Layer: apps/devcluster, I/O-free.
#pragma once

#include <string>
#include <vector>

#include "apps/devcluster/store/kinds.hpp"
#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// Checks the types of the fields that we know and collects the paths of those that we don't.
/// @errors BadRequest ("spec.containers[0].env: a list is expected")
result<std::vector<std::string>> check_fields(const resource_type& type, const json::value& object);

}  // namespace atrium::devcluster
