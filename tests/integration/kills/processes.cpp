#include "tests/integration/kills/processes.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace atrium::tests {

namespace fs = std::filesystem;

namespace {

std::string whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();  // a process that ends meanwhile makes reading fail, which an iterator throws
  return out.str();
}

/// The last part of the folder that is mounted at /home/user, when it lies below `homes`.
std::string project_of(const std::string& proc, const std::string& homes) {
  std::ifstream in(proc + "/mountinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.find(" /home/user ") == std::string::npos) continue;
    const auto at = line.find(homes + "/");
    if (at == std::string::npos) return {};
    const auto id = line.substr(at + homes.size() + 1);
    return id.substr(0, id.find_first_of(" /"));
  }
  return {};
}

}  // namespace

std::string command_line(pid_t pid) {
  auto text = whole("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  return {std::istream_iterator<pid_t>(in), {}};
}

std::map<std::string, std::vector<project_process>> project_processes(const std::string& homes) {
  std::map<std::string, std::vector<project_process>> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const auto name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    if (!command_line(pid).starts_with("atrium project")) continue;
    const auto id = project_of(entry.path(), homes);
    const auto sandbox = fs::read_symlink(entry.path() / "ns/pid", ignored).string();
    if (!id.empty() && !sandbox.empty()) out[id].push_back({pid, sandbox});
  }
  return out;
}

}  // namespace atrium::tests
