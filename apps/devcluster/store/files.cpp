#include "apps/devcluster/store/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "atrium/rt/io.hpp"

namespace atrium::devcluster {

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

void write_text(const std::string& path, std::string_view text, unsigned mode) {
  constexpr std::string_view what = "A file of the cluster cannot be written";
  const std::string beside = path + ".new";
  const rt::unique_fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd || ::fchmod(fd.get(), mode) != 0) throw failure(system_error(errno, what));
  write_fully(fd.get(), text, what);
  if (::rename(beside.c_str(), path.c_str()) != 0) throw failure(system_error(errno, what));
}

void write_fully(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw failure(system_error(errno, what));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace atrium::devcluster
