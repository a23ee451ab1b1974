/// @file backoff.hpp - exponential back-off with jitter: growing pauses between attempts that fail. Layer: rt.
/// I/O-free: time and chance come in.
#pragma once

#include <random>

#include "atrium/rt/task_node.hpp"

namespace atrium::rt {

struct backoff_options {
  duration first = std::chrono::milliseconds(800);
  duration longest = std::chrono::seconds(30);
  double factor = 2;
  double jitter = 1;  ///< each step is d to d * (1 + jitter): a crowd does not come at once
  duration reset_after = std::chrono::minutes(2);  ///< quiet for so long: start again at `first`
};

class backoff {
 public:
  explicit backoff(backoff_options options = {}, std::uint64_t seed = random_seed());
  /// The next wait. Call it at each failure.
  duration next(time_point now);
  /// It succeeded: the next failure is a first one.
  void reset() noexcept { failures_ = 0; }
  unsigned failures() const noexcept { return failures_; }
  bool failing() const noexcept { return failures_ > 0; }

 private:
  backoff_options options_;
  std::mt19937_64 random_;
  unsigned failures_ = 0;
  duration current_{};
  time_point last_{};
};

}  // namespace atrium::rt
