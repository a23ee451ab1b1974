/// @file disk_file.hpp - reads and replaces the file of an open document without losing what others write. Layer: app
/// project.
/// @thread any; every function blocks: call them through rt::blocking
#pragma once

#include <optional>

#include "apps/project/files/home.hpp"

namespace atrium::project {

/// Tells cheaply whether a file is as it was.
struct file_stamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const file_stamp&) const = default;
};

struct file_content {
  std::string bytes, digest;
  file_stamp stamp;
};

/// nullopt: there is no such file. @errors invalid: too large or not an ordinary file; denied
std::optional<file_stamp> stamp_of(const home&, const std::string& path);
std::optional<file_content> read_document_file(const home&, const std::string& path);
/// True when some process has the file open for writing: what it holds may be half of something. Best effort.
bool being_written(const home&, const std::string& path);

struct save_outcome {
  bool written = false;
  bool gone = false;                      ///< the file was removed: nothing was written
  file_stamp stamp;                       ///< of the file as written
  std::optional<file_content> displaced;  ///< what the file held instead of what we expected
};

/// Replaces the file by `bytes`, keeping its mode. `expected` is the digest of what it should hold, empty: there should
/// be no file. The new and the old content change places in one step, then the old one is looked at, as soon as nobody
/// has it open for writing any more (it waits a second at most): whatever a third party wrote up to that moment comes
/// back as `displaced`, and stays on disk beside until forget_leftover().
/// @errors invalid (something that is no text file took the place: left as it is), overloaded (disk full), denied
save_outcome save_document_file(const home&, const std::string& path, std::string_view bytes,
                                const std::string& expected, const file_stamp& expected_stamp);

/// What a save that was cut short left beside, if anything.
std::optional<file_content> leftover(const home&, const std::string& path);
void forget_leftover(const home&, const std::string& path) noexcept;

}  // namespace atrium::project
