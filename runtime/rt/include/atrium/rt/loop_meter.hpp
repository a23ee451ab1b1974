/// @file loop_meter.hpp - how late and how long a loop's turns are, counted without atomics. Layer: rt, for loop.hpp.
#pragma once

#include "atrium/base/metrics.hpp"
#include "atrium/rt/clock.hpp"

namespace atrium::rt::detail {

/// The loop's thread. Published about once a second while the loop turns, and before metrics are shown.
class loop_meter {
 public:
  /// `lag`: from when the turn should have begun (a timer was due) or did, to its end: how long what was ready last had
  /// to wait. `resumed`: tasks that were ready in it.
  void turn(duration lag, int resumed) noexcept {
    const bool short_one = lag <= shortest;
    ++counts_[short_one ? 0 : metrics::histogram::bucket_of(std::chrono::duration<double>(lag).count())];
    sum_ += lag;
    resumed_ += static_cast<std::uint64_t>(resumed);
    if (resumed > longest_queue_) longest_queue_ = resumed;
  }
  time_point next_publication() const noexcept { return next_; }
  void publish(time_point now) noexcept;

 private:
  static constexpr auto shortest =
      std::chrono::duration_cast<duration>(std::chrono::duration<double>(metrics::histogram::bounds[0]));
  std::uint64_t counts_[metrics::histogram::buckets] = {};
  duration sum_{};
  std::uint64_t resumed_ = 0;
  int longest_queue_ = 0;
  time_point next_{};
};

}  // namespace atrium::rt::detail
