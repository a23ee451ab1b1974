// From a container's description to the process that runs it.
#include <fcntl.h>

#include <filesystem>

#include "apps/devcluster/agent/environment.hpp"
#include "apps/devcluster/agent/pod_container.hpp"
#include "apps/devcluster/agent/sandbox.hpp"
#include "apps/devcluster/agent/volumes.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

namespace {

constexpr const char* stage = "/mnt";

bool exists(const std::string& path) {
  std::error_code bad;
  return fs::exists(path, bad);
}

std::optional<std::int64_t> quantity(const json::value& container, std::string_view resource) {
  const auto* amount = find(container, {"resources", "limits", resource});
  if (!amount) return std::nullopt;
  const auto parsed = parse_quantity(scalar_text(*amount));
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::vector<std::string> words(const json::value& container, std::string_view field, const variables& known) {
  std::vector<std::string> out;
  for (const auto& word : array_at(container, {field})) out.push_back(expand(scalar_text(word), known));
  return out;
}

/// Collects the arguments of the launch helper and the descriptors that go with them.
class launch {
 public:
  launch(std::vector<rt::unique_fd>& held, bool root) : held_(held), root_(root) { held_.clear(); }

  void add(std::initializer_list<std::string> more) { argv_.insert(argv_.end(), more); }
  /// The path at which bubblewrap finds what `fd` is: as root in the staging folder, as a user where it lies.
  std::string visible(rt::unique_fd fd) {
    const int number = fd.get();
    held_.push_back(std::move(fd));
    if (!root_) return fs::read_symlink("/proc/self/fd/" + std::to_string(number)).string();
    const std::string name = "m" + std::to_string(staged_++);
    add({"--bind", std::to_string(number) + "=" + name});
    options_.descriptors.emplace_back(number, number);
    return std::string(stage) + "/" + name;
  }
  std::string visible_file(const std::string& path) {
    return visible(rt::unique_fd(::open(path.c_str(), O_PATH | O_CLOEXEC)));
  }
  /// Opens a file to write and keeps it for the process; -1 when that fails.
  int writable(const std::string& path, int flags) {
    held_.emplace_back(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0600));
    return held_.back().get();
  }
  rt::process_options finish(const sandbox_spec& sandbox, int output, std::vector<std::string> environment) {
    options_.descriptors.emplace_back(sandbox.status_fd, sandbox.status_fd);
    add({"--keep", std::to_string(sandbox.status_fd)});
    if (root_) add({"--stage", stage, "--id", std::to_string(sandbox_id)});
    argv_.push_back("--");
    for (auto& word : bwrap_arguments(sandbox, exists)) argv_.push_back(std::move(word));
    options_.argv = std::move(argv_);
    options_.environment = std::move(environment);
    options_.standard_output = options_.standard_error = output;
    options_.new_session = true;
    return std::move(options_);
  }

 private:
  std::vector<rt::unique_fd>& held_;
  bool root_;
  int staged_ = 0;
  std::vector<std::string> argv_ = {"/proc/self/exe", "devcluster", "launch"};
  rt::process_options options_;
};

}  // namespace

result<rt::process_options> pod_worker::launch_options(container& c) {
  const auto& spec = c.spec(pod());
  const auto own = environment_of(node_.objects.store(), pod(), spec);
  if (!own) return own.error();
  const auto volumes = open_volumes(node_.objects.store(), pod(),
                                    {.projects = node_.projects, .pod_folder = folder_, .root = node_.root});
  if (!volumes) return volumes.error();

  launch process(c.held, node_.root);
  sandbox_spec sandbox{.bwrap = node_.bwrap, .hostname = hostname(), .directory = {}, .mounts = {}, .command = {}};
  const std::string etc = process.visible_file(folder_ + "/etc");
  for (const std::string file : {"passwd", "group", "hosts", "hostname", "nsswitch.conf"})
    sandbox.mounts.push_back({etc + "/" + file, "/etc/" + file, true});
  sandbox.mounts.push_back({process.visible_file(folder_ + "/sockets"), inside::sockets, false});
  sandbox.mounts.push_back(
      {process.visible(rt::unique_fd(::fcntl(node_.program.get(), F_DUPFD_CLOEXEC, 3))), inside::program, true});
  for (const auto& mount : array_at(spec, {"volumeMounts"})) {
    const auto volume = volumes->find(std::string(text_at(mount, {"name"})));
    if (volume == volumes->end())
      return api_error("BadRequest", "volumeMounts names a volume that the pod does not have");
    auto fd = open_below(volume->second.folder.get(), std::string(text_at(mount, {"subPath"})), true, node_.root);
    if (!fd) return fd.error();
    sandbox.mounts.push_back({process.visible(std::move(*fd)), std::string(text_at(mount, {"mountPath"})),
                              volume->second.read_only || true_at(mount, {"readOnly"})});
  }

  const auto all = sandbox_variables(pod(), *own);
  sandbox.command = words(spec, "command", all);
  for (auto& word : words(spec, "args", all)) sandbox.command.push_back(std::move(word));
  if (sandbox.command.empty()) sandbox.command = {"atrium", "project"};  // what the project image runs
  sandbox.directory = text_at(spec, {"workingDir"}).empty() ? "/home/user" : std::string(text_at(spec, {"workingDir"}));

  resource_limits limits;
  if (const auto memory = quantity(spec, "memory")) limits.memory_bytes = *memory / 1000;
  if (const auto cpu = quantity(spec, "cpu")) limits.cpu_milli = *cpu;
  std::string problem;
  for (const auto& file : node_.cgroups.prepare(uid_, c.state.name, limits, problem)) process.add({"--cgroup", file});
  if (!problem.empty())
    emit(event_recorder::severity::warning, "LimitsNotEnforced", "These limits could not be set: " + problem, &c);
  c.memory_kills = node_.cgroups.out_of_memory_kills(uid_, c.state.name);

  const std::string stem = c.folder + "/" + std::to_string(c.attempt);
  sandbox.status_fd = process.writable(stem + ".status", O_TRUNC);
  const int output = process.writable(stem + ".log", 0);
  if (sandbox.status_fd < 0 || output < 0)
    return api_error("InternalError", "the container's log cannot be written; is the disk full?");
  return process.finish(sandbox, output, environment_texts(all));
}

}  // namespace atrium::devcluster
