#include "atrium/k8s/backoff.hpp"

#include <algorithm>

namespace atrium::k8s {

backoff::backoff(backoff_options options, std::uint64_t seed) : options_(options), random_(seed) {}

rt::duration backoff::next(rt::time_point now) {
  if (current_ == rt::duration{} || now - last_ > options_.reset_after) {
    current_ = options_.first;
  } else {
    const auto grown = std::chrono::duration<double, rt::duration::period>(current_) * options_.factor;
    current_ = grown > options_.longest ? options_.longest : std::chrono::duration_cast<rt::duration>(grown);
  }
  last_ = now;
  std::uniform_real_distribution<double> chance(0, std::max(options_.jitter, 0.0));
  const auto spread = std::chrono::duration<double, rt::duration::period>(current_) * (1 + chance(random_));
  return std::chrono::duration_cast<rt::duration>(spread);
}

}  // namespace atrium::k8s
