/// @file changes.hpp - committed changes of published tables as they happen (logical replication). Layer: pg.
///
/// A reader uses a *temporary* slot, so nothing is left on the server when it ends. The price: after a reconnect it
/// does not know what it missed, says `resync`, and the consumer reads its rows again. Needs wal_level=logical, a role
/// with REPLICATION, and a publication.
#pragma once

#include "atrium/pg/connection.hpp"
#include "atrium/pg/pgoutput.hpp"

namespace atrium::pg {

/// What one step of the stream says.
struct change_batch {
  /// First batch, and after every reconnect: changes may have been missed. Whatever commits after this batch was handed
  /// out is in later batches, so read your rows *after* getting it.
  bool resync = false;
  /// Changes of one transaction in order; a large transaction comes in several batches, each with `commit_time` and the
  /// same `commit` place.
  std::vector<change> changes;
  lsn commit = 0;
  wall_time commit_time{};
  std::uint32_t transaction = 0;  ///< its id, see snapshot.hpp
};

/// Where changes come from: a reader of its own, or another process that reads for many.
class change_source {
 public:
  virtual ~change_source() = default;
  /// The next batch. Reconnects by itself, as long as it takes. One task. Call again soon: while nobody calls, the
  /// server keeps log.
  /// @cancel nothing is lost, the next call goes on
  virtual rt::task<change_batch> next() = 0;
  virtual bool connected() const noexcept = 0;
};

struct change_reader_options {
  std::string conninfo;
  std::string publication;
  std::size_t batch_changes = 1024;                         ///< a larger transaction comes in several batches
  std::size_t batch_bytes = 4u << 20;                       ///< the same, by size
  rt::duration status_interval = std::chrono::seconds(10);  ///< how often the server hears that we are alive
};

/// Reads from the server itself. Failures are logged and counted (atrium_pg_changes_failures_total); pauses grow to 5
/// s.
std::unique_ptr<change_source> read_changes(change_reader_options);

}  // namespace atrium::pg
