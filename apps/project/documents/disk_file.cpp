#include "apps/project/documents/disk_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "apps/project/collab/digest.hpp"
#include "apps/project/collab/text_file.hpp"

namespace atrium::project {

namespace {

std::string beside(const std::string& path) {
  return join(parent_of(path), "." + name_of(path).substr(0, 200) + ".atrium-save");
}

file_stamp stamp(const struct stat& st) {
  const auto ns = [](const timespec& t) { return std::int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec; };
  return {st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size), ns(st.st_mtim), ns(st.st_ctim)};
}

std::optional<struct stat> status_at(int parent, const std::string& name, const std::string& path) {
  struct stat st;
  if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return st;
  if (errno == ENOENT) return std::nullopt;
  fail_for_path(errno, path, "read");
}

std::optional<file_content> read_at(int parent, const std::string& name, const std::string& path) {
  const rt::unique_fd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) fail_for_path(errno, path, "read");
  file_content out;
  for (int attempt = 0;; ++attempt) {  // a stamp that holds for exactly these bytes
    struct stat before, after;
    if (::fstat(fd.get(), &before) < 0) fail_for_path(errno, path, "read");
    ::lseek(fd.get(), 0, SEEK_SET);
    out.bytes = read_all(fd.get(), largest_document, path);
    if (::fstat(fd.get(), &after) < 0) fail_for_path(errno, path, "read");
    out.stamp = stamp(before);
    if (out.stamp == stamp(after) || attempt == 3) break;
  }
  out.digest = content_digest(out.bytes);
  return out;
}

/// Removes a file when it goes out of scope, unless kept.
class temporary {
 public:
  temporary(int parent, std::string name) : parent_(parent), name_(std::move(name)) {}
  ~temporary() {
    if (!kept_) ::unlinkat(parent_, name_.c_str(), 0);
  }
  temporary(const temporary&) = delete;
  void keep() noexcept { kept_ = true; }

 private:
  int parent_;
  std::string name_;
  bool kept_ = false;
};

bool without_flag_support(int e) { return e == EINVAL || e == ENOSYS || e == EOPNOTSUPP; }

/// Whether somebody has the file open for writing: a read lease is granted only while nobody has. SIGIO, sent when a
/// writer comes, would end the process by default: the lease is given back at once, and the signal is ignored.
bool has_writer(int fd) {
  static const auto ignored = ::signal(SIGIO, SIG_IGN);
  (void)ignored;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

/// Who opened the old file just before the exchange writes into what came out of it. Nobody can open that any more, so
/// it is complete when the last of them has closed it; who keeps it open for long is not waited for.
void wait_for_last_writers(int parent, const std::string& displaced) {
  const rt::unique_fd fd(::openat(parent, displaced.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  for (int i = 0; fd && i < 200 && has_writer(fd.get()); ++i) ::usleep(5000);
}

/// A file system that cannot exchange (NFS): look, then replace. A write in between is lost; there is no better way.
save_outcome replace_plainly(int parent, const std::string& temp, const std::string& name, const std::string& path,
                             const std::string& expected) {
  save_outcome out;
  auto now = read_at(parent, name, path);
  if (!now && !expected.empty()) {
    out.gone = true;
    return out;
  }
  if (now && now->digest != expected) {
    out.displaced = std::move(now);
    return out;
  }
  if (::renameat(parent, temp.c_str(), parent, name.c_str()) < 0) fail_for_path(errno, path, "write");
  out.written = true;
  return out;
}

}  // namespace

std::optional<file_stamp> stamp_of(const home& h, const std::string& path) {
  try {
    const auto parent = h.open_parent(path);
    const auto st = status_at(parent.get(), name_of(path), path);
    if (!st) return std::nullopt;
    return stamp(*st);
  } catch (const failure& f) {
    if (f.disposition() == disposition::not_found) return std::nullopt;  // its folder is gone
    throw;
  }
}

std::optional<file_content> read_document_file(const home& h, const std::string& path) {
  try {
    return read_at(h.open_parent(path).get(), name_of(path), path);
  } catch (const failure& f) {
    if (f.disposition() == disposition::not_found) return std::nullopt;
    throw;
  }
}

bool being_written(const home& h, const std::string& path) {
  try {
    const auto fd = h.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return has_writer(fd.get());
  } catch (const failure&) {
    return false;
  }
}

save_outcome save_document_file(const home& h, const std::string& path, std::string_view bytes,
                                const std::string& expected, const file_stamp& expected_stamp) {
  save_outcome out;
  rt::unique_fd parent;
  try {
    if (expected.empty()) h.make_folders(parent_of(path));
    parent = h.open_parent(path);
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found) throw;
    out.gone = true;
    return out;
  }
  const auto name = name_of(path), temp = name_of(beside(path));
  const auto old = status_at(parent.get(), name, path);
  if (!old && !expected.empty()) {
    out.gone = true;
    return out;
  }
  if (old && !S_ISREG(old->st_mode)) fail(disposition::invalid, "\"" + path + "\" is not an ordinary file any more.");
  ::unlinkat(parent.get(), temp.c_str(), 0);
  const rt::unique_fd fd(
      ::openat(parent.get(), temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) fail_for_path(errno, path, "write");
  temporary cleanup(parent.get(), temp);
  write_all_synced(fd.get(), bytes, path);
  if (old) ::fchmod(fd.get(), old->st_mode & 07777u);

  const unsigned flag = expected.empty() ? RENAME_NOREPLACE : RENAME_EXCHANGE;
  if (::renameat2(parent.get(), temp.c_str(), parent.get(), name.c_str(), flag) < 0) {
    if (errno == ENOENT) {
      out.gone = true;
    } else if (errno == EEXIST) {
      out.displaced = read_at(parent.get(), name, path);
    } else if (without_flag_support(errno)) {
      out = replace_plainly(parent.get(), temp, name, path, expected);
    } else {
      fail_for_path(errno, path, "write");
    }
    if (!out.written) return out;
  } else {
    out.written = true;
  }
  struct stat st;
  if (::fstat(fd.get(), &st) == 0) out.stamp = stamp(st);
  if (flag != RENAME_EXCHANGE) return out;
  wait_for_last_writers(parent.get(), temp);
  const auto came_out = status_at(parent.get(), temp, path);
  if (!came_out) return out;
  auto seen = stamp(*came_out);
  seen.changed_ns = expected_stamp.changed_ns;  // the exchange itself moved it
  if (seen == expected_stamp) return out;
  try {
    auto content = read_at(parent.get(), temp, path);
    if (content && content->digest != expected) {
      if (auto text = decode_file(content->bytes); !text) throw failure(text.error());
      out.displaced = std::move(content);
      cleanup.keep();
    }
  } catch (const failure&) {
    ::renameat2(parent.get(), temp.c_str(), parent.get(), name.c_str(), RENAME_EXCHANGE);
    throw;
  }
  return out;
}

std::optional<file_content> leftover(const home& h, const std::string& path) {
  try {
    return read_document_file(h, beside(path));
  } catch (const failure&) {
    return std::nullopt;
  }
}

void forget_leftover(const home& h, const std::string& path) noexcept {
  try {
    const auto temp = beside(path);
    ::unlinkat(h.open_parent(temp).get(), name_of(temp).c_str(), 0);
  } catch (const failure&) {  // its folder is gone, and so is it
  }
}

}  // namespace atrium::project
