#include "atrium/rt/loop_meter.hpp"

namespace atrium::rt::detail {

namespace {

struct loop_metrics {
  metrics::histogram& lag = metrics::get_histogram(
      "atrium_runtime_loop_lag_seconds", "From when a turn of a loop was due to its end: how long ready tasks wait");
  metrics::counter& resumes = metrics::get_counter("atrium_runtime_resumes_total", "Tasks that a loop has resumed");
  metrics::gauge& queue = metrics::get_gauge("atrium_runtime_run_queue_tasks",
                                             "Most tasks that were ready in one turn during about the last second");
};

}  // namespace

void loop_meter::publish(time_point now) noexcept {
  static loop_metrics all;
  all.lag.add(counts_, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(sum_).count()));
  all.resumes.add(resumed_);
  all.queue.set(longest_queue_);
  const auto next = now + std::chrono::seconds(1);
  *this = {};
  next_ = next;
}

}  // namespace atrium::rt::detail
