/// @file discovery.hpp - the documents by which clients learn what this server has. Layer: apps/devcluster, I/O-free.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace atrium::devcluster {

/// The version of Kubernetes whose answers these are.
inline constexpr const char* git_version = "v1.33.0+atrium.devcluster";

/// The document at these path segments (/version, /api, /apis, /openapi/v3, ...), or nullopt.
std::optional<std::string> fixed_document(const std::vector<std::string>& segments);

}  // namespace atrium::devcluster
