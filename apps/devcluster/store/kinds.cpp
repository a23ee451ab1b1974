#include "apps/devcluster/store/kinds.hpp"

#include "atrium/base/assert.hpp"

namespace atrium::devcluster {

std::string_view resource_type::api_version() const noexcept {
  return group.empty() ? version : std::string_view("coordination.k8s.io/v1");
}

std::span<const resource_type> resource_types() {
  static const std::vector<resource_type> all = {
      {"", "v1", "Namespace", "namespaces", "namespace", {"ns"}, {}, false, true, {"status.phase"}},
      {"", "v1", "Node", "nodes", "node", {"no"}, {}, false, true, {"spec.unschedulable"}},
      {"",
       "v1",
       "Pod",
       "pods",
       "pod",
       {"po"},
       {"all"},
       true,
       true,
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.nominatedNodeName"}},
      {"", "v1", "ConfigMap", "configmaps", "configmap", {"cm"}, {}, true, false, {}},
      {"", "v1", "Secret", "secrets", "secret", {}, {}, true, false, {"type"}},
      {"",
       "v1",
       "Event",
       "events",
       "event",
       {"ev"},
       {},
       true,
       false,
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type"}},
      {"coordination.k8s.io", "v1", "Lease", "leases", "lease", {}, {}, true, false, {}},
  };
  return all;
}

const resource_type* find_resource(std::string_view group, std::string_view version, std::string_view plural) noexcept {
  for (const auto& type : resource_types())
    if (type.group == group && type.version == version && type.plural == plural) return &type;
  return nullptr;
}

const resource_type* find_resource(std::string_view plural) noexcept {
  for (const auto& type : resource_types())
    if (type.plural == plural) return &type;
  return nullptr;
}

namespace kinds {
namespace {
const resource_type& known(std::string_view plural) noexcept {
  const resource_type* type = find_resource(plural);
  ATRIUM_ASSERT(type != nullptr, "every built-in kind is in the table");
  return *type;
}
}  // namespace
const resource_type& pods() noexcept { return known("pods"); }
const resource_type& nodes() noexcept { return known("nodes"); }
const resource_type& namespaces() noexcept { return known("namespaces"); }
const resource_type& events() noexcept { return known("events"); }
const resource_type& leases() noexcept { return known("leases"); }
const resource_type& config_maps() noexcept { return known("configmaps"); }
const resource_type& secrets() noexcept { return known("secrets"); }
}  // namespace kinds

}  // namespace atrium::devcluster
