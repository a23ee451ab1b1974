#include "atrium/rt/stall_watch.hpp"

#include <algorithm>
#include <csignal>

#include "atrium/base/log.hpp"
#include "place.hpp"

namespace atrium::rt {

namespace {

constexpr auto shortest_limit = std::chrono::milliseconds(10);
constexpr auto between_reports = std::chrono::seconds(1);

long long ms(duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

}  // namespace

stall_watch::stall_watch(loop& watched, duration limit)
    : pulse_(watched.pulse()), limit_(std::max<duration>(limit, shortest_limit)) {
  watched.set_stall_limit(limit_);
  // Signals are for the loop's thread: a new thread takes over the mask of the one that makes it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { watch(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

stall_watch::~stall_watch() {
  {
    const std::lock_guard lock(pulse_.mutex);
    pulse_.watch_ends = true;
  }
  pulse_.changed.notify_all();
  thread_.join();
  pulse_.watch_ends = false;
}

bool stall_watch::wait_for_work(std::unique_lock<std::mutex>& lock) {
  pulse_.park();
  // A turn that began just now, before it could see us parked, is watched no later than the turn after it.
  if (pulse_.look().began == 0) pulse_.changed.wait(lock, [this] { return pulse_.watch_ends || !pulse_.parked(); });
  return !pulse_.watch_ends;
}

void stall_watch::report(const detail::loop_pulse::sight& s, duration held) {
  log::warn("task holds the loop",
            {{"task", s.name ? s.name : "unknown"}, {"place", place_of(s.where)}, {"ms", ms(held)}});
}

void stall_watch::watch() {
  const duration step = limit_ / 4;
  std::int64_t turn = 0;  // the one that was reported last
  duration next_report = limit_;
  std::unique_lock lock(pulse_.mutex);
  while (!pulse_.watch_ends) {
    const auto before = pulse_.look();
    if (before.began == 0) {
      if (!wait_for_work(lock)) return;
      continue;
    }
    pulse_.changed.wait_for(lock, step, [this] { return pulse_.watch_ends; });
    const auto seen = pulse_.look();
    const auto now = clock::now();
    const duration held = now - time_point(duration(seen.began));
    // Only a task that has been there for the whole step is named: what is read of a loop that moves may be a mixture.
    if (seen.began == 0 || held < limit_ || seen.resumes != before.resumes || seen.began != before.began) continue;
    const bool fresh = turn != seen.began;
    if (fresh) {
      turn = seen.began;
      next_report = limit_;
    }
    if (held < next_report) continue;
    next_report = held * 2;
    lock.unlock();
    if (fresh) pulse_.accuse(seen);
    // Doubling limits the reports of one turn; this those of many.
    if (!fresh || now - last_report_ >= between_reports) {
      report(seen, held);
      last_report_ = now;
    }
    lock.lock();
  }
}

}  // namespace atrium::rt
