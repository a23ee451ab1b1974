#include "apps/devcluster/agent/node.hpp"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "apps/devcluster/agent/container_state.hpp"
#include "apps/devcluster/api/discovery.hpp"
#include "apps/devcluster/store/files.hpp"

namespace atrium::devcluster {

namespace {

std::string os_name() {
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("PRETTY_NAME=\"") && line.size() > 14) return line.substr(13, line.size() - 14);
  return "Linux";
}

json::object capacity() {
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  const auto memory =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  struct statvfs disk{};
  ::statvfs("/", &disk);
  return {{"cpu", std::to_string(cpus)},
          {"memory", std::to_string(memory / 1024) + "Ki"},
          {"pods", "1000"},
          {"ephemeral-storage", std::to_string(disk.f_blocks * disk.f_frsize / 1024) + "Ki"}};
}

json::object node_info() {
  utsname system{};
  ::uname(&system);
  return {{"machineID", first_line("/etc/machine-id")},
          {"systemUUID", first_line("/etc/machine-id")},
          {"bootID", first_line("/proc/sys/kernel/random/boot_id")},
          {"kernelVersion", system.release},
          {"osImage", os_name()},
          {"containerRuntimeVersion", "bubblewrap://0.8"},
          {"kubeletVersion", git_version},
          {"kubeProxyVersion", ""},
          {"operatingSystem", "linux"},
          {"architecture", std::string_view(system.machine) == "aarch64" ? "arm64" : "amd64"}};
}

void fill(json::value& node, const std::string& name, wall_time now) {
  const auto info = node_info();
  for (const auto& [key, value] : {std::pair<std::string_view, std::string_view>("kubernetes.io/hostname", name),
                                   {"kubernetes.io/os", "linux"},
                                   {"kubernetes.io/arch", as_view(info.at("architecture").get_string())},
                                   {"node-role.kubernetes.io/control-plane", ""}}) {
    auto& labels = ensure_object(node, {"metadata", "labels"});
    labels.emplace(key, json::string(value));
  }
  auto& status = ensure_object(node, {"status"});
  status["capacity"] = capacity();
  status["allocatable"] = capacity();
  status["nodeInfo"] = info;
  status["addresses"] =
      json::array{{{"type", "InternalIP"}, {"address", "127.0.0.1"}}, {{"type", "Hostname"}, {"address", name}}};
  set_condition(node, "MemoryPressure", false, "KubeletHasSufficientMemory", "memory is not tracked here", now);
  set_condition(node, "DiskPressure", false, "KubeletHasNoDiskPressure", "disks are not tracked here", now);
  set_condition(node, "PIDPressure", false, "KubeletHasSufficientPID", "processes are not tracked here", now);
  set_condition(node, "Ready", true, "KubeletReady", "pods run as sandboxed processes", now);
}

}  // namespace

void register_node(registry& objects, const std::string& name) {
  if (!objects.store().get(kinds::nodes(), "", name))
    (void)objects.create(kinds::nodes(), "", {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", name}}}},
                         {});
  const auto now = objects.now();
  objects.modify(kinds::nodes(), "", name, {}, [&](json::value& node) { fill(node, name, now); });
}

void set_node_ready(registry& objects, const std::string& name, bool ready, const std::string& message) {
  const auto now = objects.now();
  objects.modify(kinds::nodes(), "", name, {}, [&](json::value& node) {
    set_condition(node, "Ready", ready, ready ? "KubeletReady" : "KubeletNotReady", message, now);
  });
}

void renew_lease(registry& objects, const std::string& name) {
  const std::string home = "kube-node-lease", now = rfc3339_micro(objects.now());
  if (!objects.store().get(kinds::leases(), home, name)) {
    (void)objects.create(kinds::leases(), home,
                         {{"apiVersion", "coordination.k8s.io/v1"},
                          {"kind", "Lease"},
                          {"metadata", {{"name", name}}},
                          {"spec", {{"holderIdentity", name}, {"leaseDurationSeconds", 40}, {"renewTime", now}}}},
                         {});
    return;
  }
  objects.modify(kinds::leases(), home, name, {},
                 [&](json::value& lease) { set_at(lease, {"spec", "renewTime"}, json::string(now)); });
}

}  // namespace atrium::devcluster
