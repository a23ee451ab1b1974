/// @file stall_watch.hpp - says which task holds a loop while it still does. Layer: rt.
///
/// A loop that one task keeps for long (a parse of megabytes, a blocking call) serves nobody meanwhile, and afterwards
/// nobody can tell who it was. The loop notes each task that it resumes in a place that another thread may read (three
/// plain stores); this is that thread. It sleeps while the loop sleeps, so an idle process costs nothing.
#pragma once

#include <thread>

#include "atrium/rt/loop.hpp"

namespace atrium::rt {

/// While it lives, a turn of `watched` that takes longer than the limit is reported as log record `task holds the loop`
/// (fields task, place, ms), again each time its length has doubled, at most about once a second for new ones. When the
/// turn has ended the loop logs `loop stalled` and counts it in atrium_runtime_stalls_total{task}, watched or not.
/// @thread made and destroyed on the loop's thread, outside of run(); one a loop
class stall_watch {
 public:
  /// `limit` becomes the loop's too (loop::set_stall_limit). At least 10 ms.
  explicit stall_watch(loop& watched, duration limit = std::chrono::milliseconds(100));
  ~stall_watch();
  stall_watch(const stall_watch&) = delete;

 private:
  void watch();
  /// Sleeps until the loop has work again. False when this object ends.
  bool wait_for_work(std::unique_lock<std::mutex>&);
  void report(const detail::loop_pulse::sight&, duration held);

  detail::loop_pulse& pulse_;
  duration limit_;
  time_point last_report_{};
  std::thread thread_;
};

}  // namespace atrium::rt
