/// @file backoff.hpp - exponential back-off with jitter, as client-go uses it. Layer: k8s. I/O-free: time and chance
/// come in.
#pragma once

#include <random>

#include "atrium/rt/task_node.hpp"

namespace atrium::k8s {

struct backoff_options {
  rt::duration first = std::chrono::milliseconds(800);
  rt::duration longest = std::chrono::seconds(30);
  double factor = 2;
  double jitter = 1;                                   ///< each step is d to d * (1 + jitter)
  rt::duration reset_after = std::chrono::minutes(2);  ///< quiet for so long: start again at `first`
};

class backoff {
 public:
  explicit backoff(backoff_options options = {}, std::uint64_t seed = rt::random_seed());
  /// The next wait. Call it at each failure.
  rt::duration next(rt::time_point now);
  void reset() noexcept { current_ = {}; }

 private:
  backoff_options options_;
  std::mt19937_64 random_;
  rt::duration current_{};
  rt::time_point last_{};
};

}  // namespace atrium::k8s
