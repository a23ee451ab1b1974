#include "apps/devcluster/agent/cgroups.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "apps/devcluster/store/files.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

namespace {

bool write_to(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return ok;
}

bool make(const std::string& folder) {
  std::error_code bad;
  fs::create_directories(folder, bad);
  return !bad;
}

/// Our path in the hierarchy with this controller ("" for version 2), from /proc/self/cgroup.
std::optional<std::string> own_path(const std::string& controller) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    const std::string list = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controller.empty() ? list == ",," : list.find("," + controller + ",") != std::string::npos)
      return line.substr(second + 1);
  }
  return std::nullopt;
}

void remove_tree(const std::string& folder) {
  std::error_code bad;
  for (const auto& entry : fs::directory_iterator(folder, bad))
    if (entry.is_directory()) remove_tree(entry.path());
  ::rmdir(folder.c_str());
}

}  // namespace

cgroup_tree::cgroup_tree() {
  find_version_2();
  if (unified_.empty()) find_version_1();
  if (unified_.empty() && controllers_.empty())
    unavailable_ =
        ::geteuid() == 0
            ? "Limits of memory and CPU are not enforced: no control group may be made here."
            : "Limits of memory and CPU are not enforced: this user may not make control groups (run as root, or under "
              "systemd with Delegate=yes).";
}

void cgroup_tree::find_version_2() {
  const auto own = own_path("");
  const std::string root = "/sys/fs/cgroup";
  if (!own || first_line(root + "/cgroup.controllers").find("memory") == std::string::npos) return;
  // As root beside everything else; as a user below what was delegated to us.
  std::vector<std::string> bases;
  if (::geteuid() == 0) bases.push_back(root);
  bases.push_back(root + *own);
  for (const auto& base : bases) {
    (void)write_to(base + "/cgroup.subtree_control", "+memory +cpu +pids");
    const std::string ours = base + "/atrium-" + std::to_string(::getpid());
    if (!make(ours)) continue;
    if (first_line(ours + "/cgroup.controllers").find("memory") != std::string::npos &&
        write_to(ours + "/cgroup.subtree_control", "+memory +cpu +pids")) {
      unified_ = base + "/atrium";
      ::rmdir(ours.c_str());
      if (make(unified_) && write_to(unified_ + "/cgroup.subtree_control", "+memory +cpu +pids")) return;
      unified_.clear();
    }
    ::rmdir(ours.c_str());
  }
}

void cgroup_tree::find_version_1() {
  for (const std::string controller : {"memory", "cpu", "pids"}) {
    const auto own = own_path(controller);
    if (!own) continue;
    const std::string ours = "/sys/fs/cgroup/" + controller + (*own == "/" ? "" : *own) + "/atrium";
    if (make(ours) && ::access((ours + "/cgroup.procs").c_str(), W_OK) == 0)
      controllers_.emplace_back(controller, ours);
  }
}

std::vector<std::string> cgroup_tree::join_files(const std::string& pod, const std::string& container) const {
  const std::string below = "/" + pod + "/" + container + "/cgroup.procs";
  if (!unified_.empty()) return {unified_ + below};
  std::vector<std::string> files;
  for (const auto& [controller, folder] : controllers_)
    if (fs::exists(folder + below)) files.push_back(folder + below);
  return files;
}

std::vector<std::string> cgroup_tree::prepare(const std::string& pod, const std::string& container,
                                              const resource_limits& limits, std::string& problem) const {
  const auto set = [&](const std::string& file, const std::string& text, const char* what) {
    if (!write_to(file, text)) problem += (problem.empty() ? "" : ", ") + std::string(what);
  };
  const std::string below = "/" + pod + "/" + container;
  if (!unified_.empty()) {
    if (!make(unified_ + "/" + pod) ||
        !write_to(unified_ + "/" + pod + "/cgroup.subtree_control", "+memory +cpu +pids") || !make(unified_ + below)) {
      problem = "control group";
      return {};
    }
    if (limits.memory_bytes) {
      set(unified_ + below + "/memory.max", std::to_string(*limits.memory_bytes), "memory");
      (void)write_to(unified_ + below + "/memory.swap.max", "0");
      (void)write_to(unified_ + below + "/memory.oom.group", "0");
    }
    if (limits.cpu_milli)
      set(unified_ + below + "/cpu.max", std::to_string(*limits.cpu_milli * 100) + " 100000", "cpu");
    set(unified_ + below + "/pids.max", std::to_string(limits.processes), "processes");
    return join_files(pod, container);
  }
  for (const auto& [controller, folder] : controllers_) {
    if (!make(folder + below)) {
      problem += (problem.empty() ? "" : ", ") + controller;
      continue;
    }
    if (controller == "memory" && limits.memory_bytes)
      set(folder + below + "/memory.limit_in_bytes", std::to_string(*limits.memory_bytes), "memory");
    if (controller == "cpu" && limits.cpu_milli) {
      set(folder + below + "/cpu.cfs_period_us", "100000", "cpu");
      set(folder + below + "/cpu.cfs_quota_us", std::to_string(std::max<std::int64_t>(1000, *limits.cpu_milli * 100)),
          "cpu");
    }
    if (controller == "pids") set(folder + below + "/pids.max", std::to_string(limits.processes), "processes");
  }
  return join_files(pod, container);
}

std::int64_t cgroup_tree::out_of_memory_kills(const std::string& pod, const std::string& container) const {
  std::vector<std::string> files;
  if (!unified_.empty()) files.push_back(unified_ + "/" + pod + "/" + container + "/memory.events");
  for (const auto& [controller, folder] : controllers_)
    if (controller == "memory") files.push_back(folder + "/" + pod + "/" + container + "/memory.oom_control");
  for (const auto& file : files) {
    std::ifstream in(file);
    std::string name;
    for (std::int64_t count = 0; in >> name >> count;)
      if (name == "oom_kill") return count;
  }
  return 0;
}

void cgroup_tree::remove(const std::string& pod) const {
  if (!unified_.empty()) remove_tree(unified_ + "/" + pod);
  for (const auto& [controller, folder] : controllers_) remove_tree(folder + "/" + pod);
}

}  // namespace atrium::devcluster
