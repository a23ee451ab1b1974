/// @file visibility.hpp - waits until what the change stream has brought can be read. Layer: pg.
///
/// A change comes by the stream as soon as its commit is on disk, a moment before other sessions see it; longer when
/// the machine is busy, or when commits wait for a standby. What is read in that moment lacks it, and it does not come
/// again. So whoever reads because of changes notes each batch, and waits here before reading.
#pragma once

#include <deque>

#include "atrium/pg/changes.hpp"
#include "atrium/pg/pool.hpp"
#include "atrium/pg/snapshot.hpp"

namespace atrium::pg {

/// @thread one loop
class visibility {
 public:
  /// The stream has brought this.
  void note(const change_batch&);
  /// A snapshot that sees all that was noted before the call (in the last ten seconds, which is much longer than it
  /// takes): what is read after it has those changes.
  /// @errors as of pool::query
  rt::task<snapshot> take_snapshot(pool&);
  /// The same for who needs no snapshot: asks the database only about what was not seen yet.
  rt::task<void> wait(pool&);

 private:
  struct delivery {
    std::uint32_t transaction;
    rt::time_point at;
  };
  void forget_old();
  std::deque<delivery> unseen_;  // oldest first
};

}  // namespace atrium::pg
