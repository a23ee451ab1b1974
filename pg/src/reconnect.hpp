/// @file reconnect.hpp - pauses between attempts to reach the server. Layer: pg.
#pragma once

#include "atrium/rt/backoff.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::pg {

/// 25 ms, doubling up to half of `longest`, each lengthened at random to at most twice as much. Who comes between two
/// attempts waits for the next one.
class reconnect {
 public:
  explicit reconnect(rt::duration longest = std::chrono::seconds(2))
      : backoff_({.first = std::chrono::milliseconds(25), .longest = longest / 2}) {}
  bool failing() const noexcept { return backoff_.failing(); }
  unsigned failures() const noexcept { return backoff_.failures(); }
  void succeeded() noexcept { backoff_.reset(); }
  void failed() {
    const auto now = rt::clock::now();
    next_ = now + backoff_.next(now);
  }
  /// Until the next attempt is due.
  rt::task<void> wait() const {
    if (failing()) co_await rt::sleep_until(next_);
  }

 private:
  rt::backoff backoff_;
  rt::time_point next_{};
};

}  // namespace atrium::pg
