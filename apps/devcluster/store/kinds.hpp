/// @file kinds.hpp - the kinds of object that this API has. Layer: apps/devcluster, I/O-free.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace atrium::devcluster {

/// One resource, in the words of API discovery.
struct resource_type {
  std::string_view group, version, kind, plural, singular;
  std::vector<std::string_view> short_names, categories;
  bool namespaced = true;
  bool status = false;                         ///< has a status that is written apart from the rest
  std::vector<std::string_view> field_labels;  ///< what field selectors may name, besides metadata.name and .namespace

  /// "v1", "coordination.k8s.io/v1"
  std::string_view api_version() const noexcept;
};

std::span<const resource_type> resource_types();
/// Null when there is no such resource. `group` is empty for core.
const resource_type* find_resource(std::string_view group, std::string_view version, std::string_view plural) noexcept;
const resource_type* find_resource(std::string_view plural) noexcept;

/// The resources that our own code names.
namespace kinds {
const resource_type& pods() noexcept;
const resource_type& nodes() noexcept;
const resource_type& namespaces() noexcept;
const resource_type& events() noexcept;
const resource_type& leases() noexcept;
const resource_type& config_maps() noexcept;
const resource_type& secrets() noexcept;
}  // namespace kinds

}  // namespace atrium::devcluster
