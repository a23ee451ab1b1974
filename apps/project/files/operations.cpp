#include "apps/project/files/operations.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "apps/project/collab/text_file.hpp"

namespace atrium::project {

namespace {

struct close_folder {
  void operator()(DIR* d) const noexcept { ::closedir(d); }
};
using folder = std::unique_ptr<DIR, close_folder>;

/// Takes `fd` over.
folder open_folder(rt::unique_fd fd, const std::string& path) {
  folder d(::fdopendir(fd.get()));
  if (!d) fail_for_path(errno, path, "list");
  fd.release();
  return d;
}

const char* type_of(mode_t mode) {
  return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "link" : "other";
}

file_entry entry_of(const home& h, const std::string& path, std::string name, const struct stat& st) {
  file_entry e;
  e.name = std::move(name);
  e.type = type_of(st.st_mode);
  e.size = static_cast<std::uint64_t>(st.st_size);
  e.modified_ms = std::int64_t(st.st_mtim.tv_sec) * 1000 + st.st_mtim.tv_nsec / 1'000'000;
  e.mode = st.st_mode & 07777u;
  if (!S_ISLNK(st.st_mode)) return e;
  try {
    const auto fd = h.open(path, O_PATH);
    struct stat there;
    if (::fstat(fd.get(), &there) == 0) {
      e.target = type_of(there.st_mode);
      e.size = static_cast<std::uint64_t>(there.st_size);
    }
  } catch (const failure&) {  // it leads nowhere, or out of the home: shown as a link without a target
  }
  return e;
}

bool usable_name(const char* name) { return std::string_view(name) != "." && std::string_view(name) != ".."; }

/// Removes `name` in `parent`, recursively.
void remove_at(int parent, const std::string& name, const std::string& path) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) fail_for_path(errno, path, "remove");
  rt::unique_fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) fail_for_path(errno, path, "remove");
  const auto d = open_folder(std::move(fd), path);
  while (const auto* item = ::readdir(d.get()))
    if (usable_name(item->d_name)) remove_at(::dirfd(d.get()), item->d_name, join(path, item->d_name));
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) fail_for_path(errno, path, "remove");
}

bool in_trash(const std::string& path) { return path.starts_with(".trash/"); }

/// Where a folder of the trash notes what it holds: paths as they were, each with a NUL behind it.
constexpr const char* manifest_name = ".atrium-paths";

void refuse_home(const std::string& path) {
  if (path == ".") fail(disposition::invalid, "The home folder itself cannot be moved, removed or replaced.");
}

}  // namespace

listing list_folder(const home& h, const std::string& path, std::size_t limit) {
  const auto d = open_folder(h.open(path, O_RDONLY | O_DIRECTORY), path);
  listing out;
  while (const auto* item = ::readdir(d.get())) {
    if (!usable_name(item->d_name)) continue;
    if (out.entries.size() >= limit) {
      out.truncated = true;
      break;
    }
    struct stat st;
    if (::fstatat(::dirfd(d.get()), item->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;  // removed meanwhile
    out.entries.push_back(entry_of(h, join(path, item->d_name), item->d_name, st));
  }
  std::ranges::sort(out.entries, {}, &file_entry::name);
  return out;
}

file_entry describe(const home& h, const std::string& path) { return entry_of(h, path, name_of(path), h.status(path)); }

std::string read_text(const home& h, const std::string& path) {
  const auto fd = h.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  auto bytes = read_all(fd.get(), largest_text, path);
  if (auto text = decode_file(bytes); !text) throw failure(text.error());
  return bytes;
}

void write_file(const home& h, const std::string& path, std::string_view bytes) {
  refuse_home(path);
  if (bytes.size() > largest_text)
    fail(disposition::invalid, "More than 10 MB cannot be written at once. Upload the file instead.");
  h.make_folders(parent_of(path));
  // Through a link the file that it leads to is replaced, not the link.
  const auto real = h.exists(path) ? h.real_path(path) : path;
  const auto parent = h.open_parent(real);
  const auto name = name_of(real), beside = "." + name_of(real).substr(0, 200) + ".atrium-write";
  struct stat st;
  const bool there = ::fstatat(parent.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && S_ISDIR(st.st_mode)) fail_for_path(EISDIR, path, "write");
  ::unlinkat(parent.get(), beside.c_str(), 0);
  const rt::unique_fd fd(
      ::openat(parent.get(), beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) fail_for_path(errno, path, "write");
  try {
    write_all_synced(fd.get(), bytes, path);
    if (there) ::fchmod(fd.get(), st.st_mode & 07777u);
    if (::renameat(parent.get(), beside.c_str(), parent.get(), name.c_str()) < 0) fail_for_path(errno, path, "write");
  } catch (...) {
    ::unlinkat(parent.get(), beside.c_str(), 0);
    throw;
  }
}

void create_file(const home& h, const std::string& path) {
  refuse_home(path);
  h.make_folders(parent_of(path));
  h.open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
}

void make_folder(const home& h, const std::string& path) {
  refuse_home(path);
  h.make_folders(parent_of(path));
  const auto parent = h.open_parent(path);
  if (::mkdirat(parent.get(), name_of(path).c_str(), 0755) < 0) fail_for_path(errno, path, "make");
}

void rename_path(const home& h, const std::string& from, const std::string& to) {
  refuse_home(from);
  refuse_home(to);
  if (from == to) return;
  const auto a = h.open_parent(from), b = h.open_parent(to);
  const auto old_name = name_of(from), new_name = name_of(to);
  if (::renameat2(a.get(), old_name.c_str(), b.get(), new_name.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EINVAL && to.starts_with(from + "/"))
    fail(disposition::invalid, "A folder cannot be moved into itself.");
  if (errno == EINVAL) {  // a file system without that flag (NFS)
    struct stat st;
    if (::fstatat(b.get(), new_name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) fail_for_path(EEXIST, to, "rename");
    if (::renameat(a.get(), old_name.c_str(), b.get(), new_name.c_str()) == 0) return;
  }
  fail_for_path(errno, errno == EEXIST ? to : from, "rename");
}

std::string move_to_trash(const home& h, const std::vector<std::string>& paths, std::int64_t now_ms) {
  std::vector<std::string> kept;
  for (const auto& path : paths) {
    refuse_home(path);
    if (path == ".trash") fail(disposition::invalid, "Remove what lies in the trash, not the trash itself.");
    h.status(path);  // all or none: a wrong path is found before anything is moved
    if (!in_trash(path)) kept.push_back(path);
  }
  for (const auto& path : paths)
    if (in_trash(path)) remove_for_good(h, path);
  if (kept.empty()) return {};
  h.make_folders(".trash", 0700);
  std::string trash;
  for (int n = 1;; ++n) {
    trash = ".trash/" + std::to_string(now_ms) + "-" + std::to_string(n);
    if (::mkdirat(h.fd(), trash.c_str(), 0700) == 0) break;
    if (errno != EEXIST || n > 10'000) fail_for_path(errno, trash, "make");
  }
  const auto manifest = h.open(join(trash, manifest_name), O_WRONLY | O_CREAT | O_EXCL, 0600);
  for (const auto& path : kept) {
    const auto to = join(trash, path);
    h.make_folders(parent_of(to), 0700);
    write_all_blocking(manifest.get(), path + '\0', trash);  // first, so that nothing lies there without a note
    rename_path(h, path, to);
  }
  return trash;
}

std::vector<std::string> restore_from_trash(const home& h, const std::string& trash) {
  if (!in_trash(trash)) fail(disposition::invalid, "This is not a folder of the trash.");
  const auto fd = h.open(join(trash, manifest_name), O_RDONLY);
  const auto noted = read_all(fd.get(), 16u << 20, trash);
  std::vector<std::string> restored;
  for (std::size_t at = 0; at < noted.size();) {
    const auto end = noted.find('\0', at);
    if (end == std::string::npos) break;
    const auto path = clean_path(std::string_view(noted).substr(at, end - at)).value();
    at = end + 1;
    const auto from = join(trash, path);
    if (!h.exists(from)) continue;  // restored before, or removed for good
    h.make_folders(parent_of(path));
    rename_path(h, from, path);
    restored.push_back(path);
  }
  remove_for_good(h, trash);
  return restored;
}

void remove_for_good(const home& h, const std::string& path) {
  refuse_home(path);
  const auto parent = h.open_parent(path);
  remove_at(parent.get(), name_of(path), path);
}

}  // namespace atrium::project
