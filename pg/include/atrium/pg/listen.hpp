/// @file listen.hpp - LISTEN on a session of its own that comes back by itself. Layer: pg.
///
/// Notifications are wake-ups: the table is the truth. After every (re)connect each channel gets one notification with
/// `missed` set, because whatever was sent while nobody listened is gone: read the table then.
#pragma once

#include <deque>

#include "atrium/pg/connection.hpp"

namespace atrium::pg {

struct notification {
  std::string channel, payload;
  bool missed = false;  ///< made here, after a (re)connect: any number of notifications may have been lost before
};

/// @thread one loop, one task calls next() at a time
class listener {
 public:
  /// Channel names as in NOTIFY (no quotes). Nothing is sent before the first next().
  listener(std::string conninfo, std::vector<std::string> channels);
  ~listener();
  listener(listener&&) noexcept;

  /// The next notification; equal ones that wait here are one. Connects and reconnects as long as it takes (pauses grow
  /// to 2 s; each failure is logged and counted in atrium_pg_listen_failures_total).
  /// @cancel nothing is lost: the next call goes on.  Wait at most d with rt::with_timeout(d, l.next()).
  rt::task<notification> next();

  bool connected() const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace atrium::pg
