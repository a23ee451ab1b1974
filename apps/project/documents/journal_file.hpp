/// @file journal_file.hpp - the journal of one open document on disk (collab/journal.hpp). Layer: app project.
/// Appends are plain write(2) calls on the loop's thread: they go to the page cache, so that what was acknowledged
/// outlives this process, and no other step can come between the decision and the record.
#pragma once

#include "apps/project/collab/journal.hpp"
#include "apps/project/files/home.hpp"

namespace atrium::project {

/// Folder of the journals below the home.
inline constexpr const char* journal_folder = ".atrium/collab";
std::string journal_path(std::string_view document_path);

class journal_file {
 public:
  journal_file() = default;

  /// Starts (or starts over) the journal of `d`; the old one is replaced at once. Blocks.
  static journal_file create(const home&, const std::string& document_path, const document& d, bool closed = false);
  /// Goes on with a journal whose first `good_bytes` are intact.
  static journal_file resume(const home&, const std::string& document_path, std::size_t good_bytes);

  /// @errors overloaded (disk full), failed: then nothing was appended
  void append(std::string_view records);
  /// When the journal is this long it should be started over: twice what it began with, and 4 MiB.
  bool wants_compaction() const noexcept { return size_ > 2 * first_size_ + (4u << 20); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  void close() noexcept { fd_.close(); }

 private:
  rt::unique_fd fd_;
  std::size_t size_ = 0, first_size_ = 0;
};

}  // namespace atrium::project
