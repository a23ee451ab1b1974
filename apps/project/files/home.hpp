/// @file home.hpp - the home folder: every path of a client is resolved beneath it, by the kernel. Layer: app project.
///
/// openat2(2) with RESOLVE_BENEATH refuses ".." and symbolic links that leave the home (absolute links too), also when
/// a link is changed meanwhile. Where a sandbox forbids openat2, links are not followed at all.
///
/// @thread any; every function blocks: call them through rt::blocking
/// @errors failures with sentences that name the path: not_found, conflict (exists), denied, invalid (leaves the home)
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"
#include "atrium/rt/io.hpp"

namespace atrium::project {

/// A client's path without "//", "." and trailing "/"; "." for the home itself.
/// @errors invalid: absolute, with "..", too long, with NUL or not UTF-8
result<std::string> clean_path(std::string_view path);
/// Folder and last name of a clean path; the folder is "." at the top.
std::string parent_of(std::string_view path);
std::string name_of(std::string_view path);
std::string join(std::string_view folder, std::string_view name);

class home {
 public:
  /// `openat2`: false resolves without it, as in a sandbox that forbids it. @errors not_found, denied
  explicit home(std::string path, bool openat2 = true);

  const std::string& path() const noexcept { return path_; }
  /// Descriptor of the folder, for *at functions.
  int fd() const noexcept { return root_.get(); }
  bool kernel_resolves() const noexcept { return openat2_; }

  /// open(2) beneath the home. `path` must be clean. The descriptor is close-on-exec.
  rt::unique_fd open(const std::string& path, int flags, unsigned mode = 0) const;
  /// The folder that holds `path`, as O_PATH descriptor: use with name_of(path) and *at functions.
  rt::unique_fd open_parent(const std::string& path) const;
  /// The path of a file without links in it: two clients that came by different links mean one document.
  std::string real_path(const std::string& path) const;
  /// Where an open file is by now, wherever it was moved to; nullopt: out of the home, or removed.
  std::optional<std::string> path_of(int fd) const;
  bool exists(const std::string& path) const;
  /// lstat of the last component.
  struct stat status(const std::string& path) const;
  /// Makes a folder and those above it. Existing ones are fine.
  void make_folders(const std::string& path, unsigned mode = 0755) const;

 private:
  int try_open(const std::string& path, int flags, unsigned mode) const noexcept;
  int walk(const std::string& path, int flags, unsigned mode) const noexcept;
  std::string path_;
  rt::unique_fd root_;
  bool openat2_ = true;
};

/// Throws what `error_number` means for `path`, with a sentence for people.
[[noreturn]] void fail_for_path(int error_number, const std::string& path, std::string_view doing);

/// Everything in an open file. @errors invalid beyond `limit`
std::string read_all(int fd, std::size_t limit, const std::string& path);
/// Writes it all and waits for the disk: a rename that comes next must not be all that a power cut leaves (an exchange
/// is, on ext4), and NFS tells of a full disk or quota only now.
void write_all_synced(int fd, std::string_view bytes, const std::string& path);
void write_all_blocking(int fd, std::string_view bytes, const std::string& path);

}  // namespace atrium::project
