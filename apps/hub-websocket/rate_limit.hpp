/// @file rate_limit.hpp - a token bucket. I/O-free: time comes in as an argument. Layer: apps/hub-websocket.
#pragma once

#include <algorithm>
#include <chrono>

namespace atrium::hub_websocket {

class rate_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  rate_limit(double per_second, double burst, time_point now)
      : per_second_(per_second), burst_(burst), tokens_(burst), at_(now) {}
  bool take(time_point now) noexcept {
    tokens_ = std::min(burst_, tokens_ + per_second_ * std::chrono::duration<double>(now - at_).count());
    at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double per_second_, burst_, tokens_;
  time_point at_;
};

}  // namespace atrium::hub_websocket
