/// @file backoff.hpp - growing pauses between attempts to reach the server. Layer: pg.
#pragma once

#include <algorithm>
#include <random>

#include "atrium/rt/scope.hpp"

namespace atrium::pg {

/// 50 ms, doubling up to `limit`, each shortened at random by up to half, so that many processes do not come at once.
class backoff {
 public:
  explicit backoff(rt::duration limit = std::chrono::seconds(2)) : limit_(limit) {}
  bool failing() const noexcept { return failures_ > 0; }
  unsigned failures() const noexcept { return failures_; }
  void succeeded() noexcept { failures_ = 0; }
  void failed() {
    const auto full = std::min<rt::duration>(std::chrono::milliseconds(50) * (1 << std::min(failures_, 10u)), limit_);
    ++failures_;
    next_ = rt::clock::now() + full - full / 2 * (random_() % 1000) / 1000;
  }
  /// Until the next attempt is due.
  rt::task<void> wait() const {
    if (failing()) co_await rt::sleep_until(next_);
  }

 private:
  rt::duration limit_;
  unsigned failures_ = 0;
  rt::time_point next_{};
  std::minstd_rand random_{static_cast<std::minstd_rand::result_type>(rt::random_seed())};
};

}  // namespace atrium::pg
