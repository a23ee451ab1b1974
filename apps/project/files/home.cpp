#include "apps/project/files/home.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "apps/project/collab/unicode.hpp"

namespace atrium::project {

namespace {
constexpr int folder_only = O_PATH | O_DIRECTORY;
}

result<std::string> clean_path(std::string_view path) {
  const auto invalid = [](const char* sentence) { return error(disposition::invalid, sentence); };
  if (path.starts_with('/'))
    return invalid("The path must be relative to the home folder of the project, without a leading slash.");
  if (path.size() >= PATH_MAX) return invalid("The path is too long.");
  if (path.find('\0') != std::string_view::npos || !utf8_to_utf16(path))
    return invalid("The path holds characters that file names cannot have.");
  std::string out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return invalid("The path must not hold \"..\": name the file from the home folder.");
    if (part.size() > NAME_MAX) return invalid("A name in the path is longer than 255 bytes.");
    if (!out.empty()) out += '/';
    out += part;
  }
  if (out.empty()) out = ".";
  return out;
}

std::string parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? "." : std::string(path.substr(0, slash));
}

std::string name_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string join(std::string_view folder, std::string_view name) {
  if (folder == "." || folder.empty()) return std::string(name);
  return std::string(folder) + "/" + std::string(name);
}

void fail_for_path(int error_number, const std::string& path, std::string_view doing) {
  const auto shown = path == "." ? std::string("the home folder") : "\"" + path + "\"";
  auto reason = system_error(error_number, "x");
  std::string sentence;
  auto what = reason.disposition();
  switch (error_number) {
    case ENOENT:
      sentence = "There is no file or folder " + shown + ".";
      break;
    case EEXIST:
      sentence = "There is already something named " + shown + ".";
      break;
    case ENOTEMPTY:
      sentence = "The folder " + shown + " is not empty.";
      break;
    case EISDIR:
      sentence = shown + " is a folder, not a file.";
      break;
    case ENOTDIR:
      sentence = "A part of the path " + shown + " is not a folder.";
      break;
    case EXDEV:
      sentence = shown + " leads out of the home folder, or onto another volume.";
      what = disposition::denied;
      break;
    case ELOOP:
      sentence = shown + " goes through a symbolic link that cannot be followed.";
      what = disposition::denied;
      break;
    case EACCES:
    case EPERM:
      sentence = "The project has no right to do that with " + shown + ".";
      break;
    case ENOSPC:
    case EDQUOT:
      sentence = "The disk of the project is full. Remove something, then try again.";
      break;
    case EROFS:
      sentence = shown + " lies on a read-only file system.";
      break;
    default:
      sentence =
          std::string("Could not ") + std::string(doing) + " " + shown + ": " + strerrordesc_np(error_number) + ".";
  }
  throw failure(error(what, std::move(sentence)).with_code(reason.code()));
}

home::home(std::string path, bool openat2) : path_(std::move(path)) {
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  char resolved[PATH_MAX];
  if (!::realpath(path_.c_str(), resolved)) throw failure(system_error(errno, "home folder " + path_));
  path_ = resolved;
  root_ = rt::unique_fd(::open(path_.c_str(), folder_only | O_CLOEXEC));
  if (!root_) throw failure(system_error(errno, "open home folder " + path_));
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH;
  const long probe = ::syscall(SYS_openat2, root_.get(), ".", &how, sizeof how);
  openat2_ = openat2 && probe >= 0;
  if (probe >= 0) ::close(static_cast<int>(probe));
}

int home::walk(const std::string& path, int flags, unsigned mode) const noexcept {
  int at = ::openat(root_.get(), ".", folder_only | O_CLOEXEC);
  std::string_view rest = path;
  while (at >= 0) {
    const auto slash = rest.find('/');
    const std::string part(rest.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    const int next = ::openat(at, part.c_str(), (last ? flags : folder_only) | O_NOFOLLOW | O_CLOEXEC, mode);
    const int e = errno;
    ::close(at);
    errno = e;
    at = next;
    if (last) break;
    rest.remove_prefix(slash + 1);
  }
  struct stat st;  // O_PATH opens a link itself instead of refusing it
  if (at >= 0 && ::fstat(at, &st) == 0 && S_ISLNK(st.st_mode)) {
    ::close(at);
    errno = ELOOP;
    return -1;
  }
  return at;
}

int home::try_open(const std::string& path, int flags, unsigned mode) const noexcept {
  if (!openat2_) return walk(path, flags, mode);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.mode = (flags & (O_CREAT | __O_TMPFILE)) ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempts = 0; attempts < 20; ++attempts) {  // EAGAIN: a rename raced the resolution; try again
    const long fd = ::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return static_cast<int>(fd);
  }
  return -1;
}

rt::unique_fd home::open(const std::string& path, int flags, unsigned mode) const {
  const int fd = try_open(path, flags, mode);
  if (fd < 0) fail_for_path(errno, path, "open");
  return rt::unique_fd(fd);
}

rt::unique_fd home::open_parent(const std::string& path) const { return open(parent_of(path), folder_only); }

std::string home::real_path(const std::string& path) const {
  const auto fd = open(path, O_PATH);
  auto found = path_of(fd.get());
  if (!found) fail_for_path(EXDEV, path, "resolve");
  return std::move(*found);
}

std::optional<std::string> home::path_of(int fd) const {
  char resolved[PATH_MAX];
  struct stat st;
  const auto n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), resolved, sizeof resolved - 1);
  if (n < 0 || ::fstat(fd, &st) < 0 || st.st_nlink == 0) return std::nullopt;
  const std::string_view full(resolved, static_cast<std::size_t>(n));
  if (full == path_) return ".";
  const auto prefix = path_ == "/" ? path_ : path_ + "/";
  if (!full.starts_with(prefix)) return std::nullopt;
  return std::string(full.substr(prefix.size()));
}

bool home::exists(const std::string& path) const {
  const int parent = try_open(parent_of(path), folder_only, 0);
  if (parent < 0) return false;
  struct stat st;
  const bool found = ::fstatat(parent, name_of(path).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  ::close(parent);
  return found;
}

struct stat home::status(const std::string& path) const {
  struct stat st;
  const auto parent = open_parent(path);
  if (::fstatat(parent.get(), name_of(path).c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) fail_for_path(errno, path, "read");
  return st;
}

void home::make_folders(const std::string& path, unsigned mode) const {
  if (path == ".") return;
  const int there = try_open(path, folder_only, 0);
  if (there >= 0) {
    ::close(there);
    return;
  }
  if (errno != ENOENT) fail_for_path(errno, path, "make");
  make_folders(parent_of(path), mode);
  const auto parent = open_parent(path);
  if (::mkdirat(parent.get(), name_of(path).c_str(), mode) < 0 && errno != EEXIST) fail_for_path(errno, path, "make");
}

std::string read_all(int fd, std::size_t limit, const std::string& path) {
  std::string out;
  struct stat st;
  if (::fstat(fd, &st) < 0) fail_for_path(errno, path, "read");
  if (S_ISDIR(st.st_mode)) fail_for_path(EISDIR, path, "read");
  if (!S_ISREG(st.st_mode)) fail(disposition::invalid, "\"" + path + "\" is not an ordinary file.");
  const auto too_large = [&] {
    fail(disposition::invalid,
         "\"" + path + "\" is larger than " + std::to_string(limit >> 20) + " MB. Download it, or use a terminal.");
  };
  if (static_cast<std::uint64_t>(st.st_size) > limit) too_large();
  out.resize(static_cast<std::size_t>(st.st_size) + 1);
  std::size_t done = 0;
  for (;;) {
    const auto n = ::read(fd, out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_for_path(errno, path, "read");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
    if (done > limit) too_large();
    if (done == out.size()) out.resize(out.size() + 65536);
  }
  out.resize(done);
  return out;
}

void write_all_synced(int fd, std::string_view bytes, const std::string& path) {
  write_all_blocking(fd, bytes, path);
  if (::fdatasync(fd) < 0) fail_for_path(errno, path, "write");
}

void write_all_blocking(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_for_path(errno, path, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace atrium::project
