/// @file discovery.hpp - the documents by which clients learn what this server has. Layer: apps/devcluster, I/O-free.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace atrium::devcluster {

/// The version of Kubernetes whose answers these are.
inline constexpr const char* git_version = "v1.33.0+atrium.devcluster";

/// /openapi/v2 in the only form that kubectl asks for it: a protobuf of a document without paths. Its presence lets
/// kubectl go on to OpenAPI v3, which says that fields are validated here.
std::string openapi_v2_protobuf();
inline constexpr const char* openapi_v2_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The document at these path segments (/version, /api, /apis, /openapi/v3, ...), or nullopt.
std::optional<std::string> fixed_document(const std::vector<std::string>& segments);

}  // namespace atrium::devcluster
