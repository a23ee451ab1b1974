/// @file activity.hpp - when somebody last did something here: idle projects are stopped by it. Layer: app project.
#pragma once

#include <cstdint>

#include "apps/domain/time.hpp"

namespace atrium::project {

/// Counts: input to terminals, edits, file operations, commands, requests to the project's own servers, and pages that
/// say that a person is there. Connections that only stay open do not count.
class activity {
 public:
  activity() noexcept : started_ms_(now_ms()), last_ms_(started_ms_) {}
  void touch() noexcept { last_ms_ = now_ms(); }
  std::int64_t started_ms() const noexcept { return started_ms_; }
  std::int64_t last_ms() const noexcept { return last_ms_; }
  static std::int64_t now_ms() noexcept { return domain::now().time_since_epoch().count(); }

 private:
  std::int64_t started_ms_, last_ms_;
};

struct usage {
  std::uint64_t memory_bytes = 0;
  double cpu_seconds = 0;
};
/// Of the whole project: its cgroup where there is one of its own, else all processes that we can see with our uid.
usage measure_usage();

}  // namespace atrium::project
