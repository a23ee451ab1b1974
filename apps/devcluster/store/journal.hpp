/// @file journal.hpp - objects on disk: a snapshot and the changes since. Layer: apps/devcluster.
///
/// A folder holds `snapshot.<rv>` (every object at that resourceVersion) and `log.<rv>` files (changes after it). Each
/// record has a length and a CRC-32. A write(2) is done before the API answers, so a killed process (kill -9 at any
/// point) loses nothing that was answered; a power cut may lose what was written since the last sync() (once a second).
/// A torn record at the end of a log is what an interrupted write leaves: it was never answered, and is cut off.
#pragma once

#include <functional>
#include <string>

#include "apps/devcluster/store/store.hpp"
#include "atrium/rt/io.hpp"

namespace atrium::devcluster {

/// One record as bytes, and back. I/O-free.
enum class record_kind : char { revision = 'R', put = 'P', erase = 'D' };
struct journal_record {
  record_kind what;
  std::string_view resource;  ///< plural
  std::string_view text;      ///< JSON, or the number of a revision record
};
void encode_record(std::string& out, const journal_record& record);
/// Takes one record off the front of `bytes`; nullopt when there is no whole, sound record.
std::optional<journal_record> decode_record(std::string_view& bytes) noexcept;

class journal {
 public:
  /// Takes the folder (a lock file keeps a second process out). @errors conflict (in use), denied, failed
  explicit journal(std::string folder);
  journal(const journal&) = delete;

  /// Fills an empty store with what is on disk and opens the log behind it. @errors failed (a snapshot is damaged)
  void load(object_store& store);
  /// @errors failed (disk full, ...): the change is in memory only until a compaction succeeds
  void append(const change& c);
  /// True when the log has outgrown the objects, or an append failed.
  bool compaction_due() const noexcept {
    return behind_ || log_bytes_ > std::max<std::size_t>(4u << 20, 2 * snapshot_bytes_);
  }
  /// Starts a new log and gives the slow rest (writing and syncing the snapshot, removing old files), which may run on
  /// another thread while appends go on. One at a time; when the rest fails, call compaction_failed().
  std::function<void()> begin_compaction(const object_store& store);
  /// What an append did not write is still in memory only, if anything is: compaction is due again.
  void compaction_failed() noexcept { behind_ = true; }
  /// The slow part of making appended records survive a power cut, for another thread; empty when there is nothing to
  /// do.
  std::function<void()> begin_sync();

 private:
  void open_log(revision at);
  std::string file(std::string_view stem, revision at) const;

  std::string folder_;
  rt::unique_fd lock_, log_;
  std::size_t log_bytes_ = 0, snapshot_bytes_ = 0;
  bool behind_ = false, dirty_ = false;
};

}  // namespace atrium::devcluster
