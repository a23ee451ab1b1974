#include "apps/project/activity.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace atrium::project {

namespace {

std::string contents(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Adds one process: fields 14 and 15 (clock ticks) and 24 (resident pages) of /proc/<pid>/stat, proc(5).
void add_process(const std::string& pid, usage& sum) {
  struct stat st;  // our own entry belongs to root, because we cannot be dumped
  if (::stat(("/proc/" + pid).c_str(), &st) < 0 || (st.st_uid != ::geteuid() && pid != std::to_string(::getpid())))
    return;
  const auto stat = contents("/proc/" + pid + "/stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  std::uint64_t ticks = 0, pages = 0;
  for (int n = 3; n <= 24 && fields >> field; ++n) {
    std::uint64_t value = 0;
    std::from_chars(field.data(), field.data() + field.size(), value);
    if (n == 14 || n == 15) ticks += value;
    if (n == 24) pages = value;
  }
  sum.cpu_seconds += static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  sum.memory_bytes += pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

usage measure_usage() {
  usage out;
  const auto memory = contents("/sys/fs/cgroup/memory.current");
  const auto cpu = contents("/sys/fs/cgroup/cpu.stat");
  if (!memory.empty() && cpu.starts_with("usage_usec ")) {
    out.memory_bytes = std::strtoull(memory.c_str(), nullptr, 10);
    out.cpu_seconds = static_cast<double>(std::strtoull(cpu.c_str() + 11, nullptr, 10)) / 1e6;
    return out;
  }
  DIR* proc = ::opendir("/proc");
  if (!proc) return out;
  while (const auto* item = ::readdir(proc))
    if (item->d_name[0] >= '1' && item->d_name[0] <= '9') add_process(item->d_name, out);
  ::closedir(proc);
  return out;
}

}  // namespace atrium::project
