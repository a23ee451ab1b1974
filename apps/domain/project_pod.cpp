#include "apps/domain/project_pod.hpp"

namespace atrium::domain {

std::string pod_name(project_id id) { return "project-" + id.str(); }

result<project_id> project_of_pod(std::string_view name) {
  constexpr std::string_view prefix = "project-";
  if (!name.starts_with(prefix)) return error(disposition::invalid, "This is not the pod of a project.");
  return project_id::parse(name.substr(prefix.size()));
}

const std::string& pod_namespace(std::span<const std::string> namespaces, project_id id) noexcept {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a: fixed for ever, unlike std::hash
  for (const char c : id.view()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return namespaces[hash % namespaces.size()];
}

}  // namespace atrium::domain
