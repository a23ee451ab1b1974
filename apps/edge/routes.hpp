/// @file routes.hpp - which service answers which path: the one table behind the edge, and for Ingress and Gateway
/// manifests. Layer: apps/edge.
#pragma once

#include <string_view>

namespace atrium::edge {

enum class backend { hub_next, hub_websocket, hub_proxy, hub_api, static_files };

struct route {
  std::string_view prefix;  ///< whole path segments; "/" is the rest
  backend to;
};

/// First match wins. A path whose first segment is a project's UUID goes to hub_proxy before this table is asked.
inline constexpr route routes[] = {
    {"/hub", backend::hub_websocket}, {"/app", backend::static_files}, {"/static", backend::static_files},
    {"/api/v1", backend::hub_api},    {"/", backend::hub_next},
};

constexpr bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/// True for "/<uuid>" and "/<uuid>/..." with a lower-case UUID.
constexpr bool is_project_path(std::string_view path) {
  if (path.size() < 37 || path[0] != '/' || (path.size() > 37 && path[37] != '/')) return false;
  for (int i = 0; i < 36; ++i) {
    const char c = path[static_cast<unsigned>(i) + 1];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? c != '-' : !is_hex(c)) return false;
  }
  return true;
}

/// `path` is the request's path, still percent-encoded, without query.
constexpr backend backend_of(std::string_view path) {
  if (is_project_path(path)) return backend::hub_proxy;
  for (const auto& r : routes) {
    if (r.prefix == "/") return r.to;
    if (path.starts_with(r.prefix) && (path.size() == r.prefix.size() || path[r.prefix.size()] == '/')) return r.to;
  }
  return backend::hub_next;
}

}  // namespace atrium::edge
