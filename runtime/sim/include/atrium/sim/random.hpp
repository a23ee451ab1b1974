/// @file random.hpp - reproducible randomness: the same seed gives the same numbers with every compiler. Layer: sim.
/// SplitMix64 (Steele, Lea, Flood 2014).
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "atrium/rt/clock.hpp"

namespace atrium::sim {

class random {
 public:
  explicit random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 .. n - 1; 0 when n is 0.
  std::uint64_t below(std::uint64_t n) noexcept { return n ? next() % n : 0; }
  /// Both ends included.
  std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept { return least + below(most - least + 1); }
  rt::duration between(rt::duration least, rt::duration most) noexcept {
    return least +
           rt::duration(static_cast<rt::duration::rep>(below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }
  bool chance(double p) noexcept { return p > 0 && static_cast<double>(next() >> 11) * 0x1p-53 < p; }
  template <class T>
  T& pick(std::span<T> from) noexcept {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace atrium::sim
