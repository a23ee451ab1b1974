/// @file resource.hpp - kinds of objects and their paths in the API. Layer: k8s. I/O-free.
#pragma once

#include <string>
#include <string_view>

namespace atrium::k8s {

/// A kind by group, version and plural. Works for any kind, also custom ones; the usual ones are below.
struct resource {
  std::string_view group;  ///< empty: the core group
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  bool namespaced = true;

  std::string api_version() const;  ///< "v1", "coordination.k8s.io/v1"
  /// Path of the collection; `ns` empty: of all namespaces (or cluster kinds).
  std::string collection_path(std::string_view ns) const;
  std::string object_path(std::string_view ns, std::string_view name, std::string_view subresource = {}) const;
};

namespace resources {
inline constexpr resource pods{"", "v1", "pods", "Pod", true};
inline constexpr resource configmaps{"", "v1", "configmaps", "ConfigMap", true};
inline constexpr resource secrets{"", "v1", "secrets", "Secret", true};
inline constexpr resource events{"", "v1", "events", "Event", true};
inline constexpr resource nodes{"", "v1", "nodes", "Node", false};
inline constexpr resource namespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr resource leases{"coordination.k8s.io", "v1", "leases", "Lease", true};
}  // namespace resources

}  // namespace atrium::k8s
