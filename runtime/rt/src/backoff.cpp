#include "atrium/rt/backoff.hpp"

#include <algorithm>

namespace atrium::rt {

backoff::backoff(backoff_options options, std::uint64_t seed) : options_(options), random_(seed) {}

duration backoff::next(time_point now) {
  if (failures_ == 0 || now - last_ > options_.reset_after) {
    failures_ = 0;
    current_ = options_.first;
  } else {
    const auto grown = std::chrono::duration<double, duration::period>(current_) * options_.factor;
    current_ = grown > options_.longest ? options_.longest : std::chrono::duration_cast<duration>(grown);
  }
  ++failures_;
  last_ = now;
  std::uniform_real_distribution<double> chance(0, std::max(options_.jitter, 0.0));
  const auto spread = std::chrono::duration<double, duration::period>(current_) * (1 + chance(random_));
  return std::chrono::duration_cast<duration>(spread);
}

}  // namespace atrium::rt
