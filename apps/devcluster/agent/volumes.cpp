#include "apps/devcluster/agent/volumes.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "apps/devcluster/agent/sandbox.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

namespace {

int open_beneath(int folder, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

std::string problem(std::string_view what) { return std::string(what) + ": " + std::string(std::strerror(errno)); }

void give_to_sandbox(int folder, const std::string& name, bool root) {
  if (root) (void)!::fchownat(folder, name.c_str(), sandbox_id, sandbox_id, AT_SYMLINK_NOFOLLOW);
}

result<rt::unique_fd> host_path(const json::value& volume, const volume_options& options) {
  const auto text = fs::path(text_at(volume, {"hostPath", "path"})).lexically_normal();
  const auto projects = fs::path(options.projects).lexically_normal();
  const auto below = text.lexically_relative(projects);
  if (below.empty() || below == "." || *below.begin() == "..")
    return api_error("Forbidden",
                     "a hostPath must lie below " + projects.string() + ", which '" + text.string() + "' does not");
  const rt::unique_fd top(::open(projects.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return api_error("InternalError", problem("the folder of projects cannot be opened"));
  const auto type = text_at(volume, {"hostPath", "type"});
  const bool make = type.empty() || type == "DirectoryOrCreate";
  return open_below(top.get(), below.string(), make, options.root);
}

result<void> write_files(const std::string& folder, const json::object& data, const json::value& volume, bool base64,
                         bool root) {
  std::map<std::string, std::string> wanted;  // path -> key
  const auto& items = array_at(volume, {"items"});
  for (const auto& item : items) wanted[std::string(text_at(item, {"path"}))] = std::string(text_at(item, {"key"}));
  if (items.empty())
    for (const auto& [key, value] : data) wanted[std::string(key)] = std::string(key);
  for (const auto& [path, key] : wanted) {
    const auto* value = data.if_contains(key);
    if (!value || !value->is_string()) return api_error("NotFound", "references non-existent config key: " + key);
    const auto clean = fs::path(path).lexically_normal();
    if (clean.is_absolute() || clean.empty() || *clean.begin() == "..")
      return api_error("BadRequest", "'" + path + "' leaves the volume");
    const fs::path file = fs::path(folder) / clean;
    fs::create_directories(file.parent_path());
    const rt::unique_fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const auto text = base64 ? k8s::decode_base64(as_view(value->get_string()))
                             : result<std::string>(std::string(as_view(value->get_string())));
    if (!text) return text.error();
    if (!fd || ::write(fd.get(), text->data(), text->size()) != static_cast<ssize_t>(text->size()))
      return api_error("InternalError", problem("a file of the volume cannot be written"));
  }
  if (root)
    for (const auto& entry : fs::recursive_directory_iterator(folder)) give_to_sandbox(AT_FDCWD, entry.path(), root);
  return {};
}

result<rt::unique_fd> open_folder(const std::string& path) {
  rt::unique_fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return api_error("InternalError", problem("a volume's folder cannot be opened"));
  return fd;
}

result<rt::unique_fd> open_volume(const object_store& store, const json::value& pod, const json::value& volume,
                                  const volume_options& options) {
  if (find(volume, {"hostPath"})) return host_path(volume, options);
  const std::string folder = options.pod_folder + "/volumes/" + std::string(text_at(volume, {"name"}));
  make_sandbox_folder(folder, options.root);
  if (find(volume, {"emptyDir"})) return open_folder(folder);
  const bool secret = find(volume, {"secret"}) != nullptr;
  const auto* from = secret ? find(volume, {"secret"}) : find(volume, {"configMap"});
  if (!from) return api_error("BadRequest", "this node knows hostPath, emptyDir, configMap and secret volumes only");
  const auto& type = secret ? kinds::secrets() : kinds::config_maps();
  const auto name = text_at(*from, {secret ? "secretName" : "name"});
  const auto object = store.get(type, text_at(pod, {"metadata", "namespace"}), name);
  if (!object) {
    if (true_at(*from, {"optional"})) return open_folder(folder);
    return api_error("NotFound", std::string(type.singular) + " \"" + std::string(name) + "\" not found");
  }
  if (auto ok = write_files(folder, object_at(object->value(), {"data"}), *from, secret, options.root); !ok)
    return ok.error();
  if (!secret && find(object->value(), {"binaryData"}))
    if (auto ok = write_files(folder, object_at(object->value(), {"binaryData"}), json::object(), true, options.root);
        !ok)
      return ok.error();
  return open_folder(folder);
}

}  // namespace

void make_sandbox_folder(const std::string& path, bool root) {
  fs::create_directories(path);
  give_to_sandbox(AT_FDCWD, path, root);
}

result<rt::unique_fd> open_below(int folder, const std::string& below, bool make, bool root) {
  std::string sofar;
  for (const auto& step : fs::path(below).lexically_normal()) {
    if (step == ".." || step.is_absolute())
      return api_error("BadRequest", "the path '" + below + "' leaves its volume");
    if (step.empty() || step == ".") continue;
    const rt::unique_fd parent(open_beneath(folder, sofar.empty() ? "." : sofar, O_PATH | O_DIRECTORY));
    if (parent && make && ::mkdirat(parent.get(), step.c_str(), 0700) == 0) give_to_sandbox(parent.get(), step, root);
    sofar += (sofar.empty() ? "" : "/") + step.string();
  }
  rt::unique_fd fd(open_beneath(folder, sofar.empty() ? "." : sofar, O_PATH));
  if (!fd)
    return api_error("BadRequest",
                     problem("the path '" + below + "' cannot be opened (no step of it may be a symbolic link)"));
  return fd;
}

result<std::map<std::string, opened_volume>> open_volumes(const object_store& store, const json::value& pod,
                                                          const volume_options& options) {
  std::map<std::string, opened_volume> out;
  for (const auto& volume : array_at(pod, {"spec", "volumes"})) {
    const std::string name(text_at(volume, {"name"}));
    auto fd = open_volume(store, pod, volume, options);
    if (!fd) {
      const auto why = fd.error();
      return api_error(reason_of(why), "MountVolume.SetUp failed for volume \"" + name + "\": " + why.public_text());
    }
    const bool read_only = find(volume, {"configMap"}) || find(volume, {"secret"});
    out.emplace(name, opened_volume{std::move(*fd), read_only});
  }
  return out;
}

}  // namespace atrium::devcluster
