/// @file clock.hpp - the time and the chance that code sees: the machine's, or those of a simulation (runtime/sim) on
/// its thread. Layer: rt.
#pragma once

#include <chrono>
#include <cstdint>

namespace atrium::rt {

namespace detail {
/// Of the simulation that runs on this thread.
struct virtual_time {
  std::chrono::steady_clock::time_point now;
  std::chrono::system_clock::time_point wall;
};
inline constinit thread_local const virtual_time* simulated_time = nullptr;
}  // namespace detail

/// Monotonic time. A time point is a std::chrono::steady_clock's; outside of simulations so is its value: what decides
/// is one thread-local load beside a clock read.
struct clock : std::chrono::steady_clock {
  static time_point now() noexcept {
    if (const auto* t = detail::simulated_time) [[unlikely]]
      return t->now;
    return std::chrono::steady_clock::now();
  }
};
using duration = clock::duration;
using time_point = clock::time_point;

/// The calendar's time, which may jump both ways: for what is shown or written down, never for measuring.
inline std::chrono::system_clock::time_point wall_now() noexcept {
  if (const auto* t = detail::simulated_time) [[unlikely]]
    return t->wall;
  return std::chrono::system_clock::now();
}

/// A seed for jitter and names, not for secrets: std::random_device, or the simulation's.
std::uint64_t random_seed();

}  // namespace atrium::rt
