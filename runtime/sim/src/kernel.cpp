#include "kernel.hpp"

#include <cstdio>
#include <cstdlib>

namespace atrium::sim {

using namespace std::chrono_literals;

kernel::kernel(options o) : options_(std::move(o)), random_(options_.seed) {
  ATRIUM_ASSERT(!rt::detail::simulation, "one simulation at a time a thread");
  tracing_ = std::getenv("ATRIUM_SIM_TRACE") != nullptr;
  // Dates that look like dates; nothing depends on them.
  time_.now = origin_ = rt::time_point(1000h);
  time_.wall = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + random_.between(0, 1000) * 1h;
  rt::detail::simulated_time = &time_;
  rt::detail::simulation = this;
}

kernel::~kernel() {
  rt::detail::simulation = nullptr;
  rt::detail::simulated_time = nullptr;
}

void kernel::trace(const char* what, std::uint64_t a, std::uint64_t b) noexcept {
  const auto mix = [this](std::uint64_t v) { hash_ = (hash_ ^ v) * 0x100000001b3 ^ (hash_ >> 29); };
  mix(static_cast<std::uint64_t>((time_.now - origin_).count()));
  for (const char* p = what; *p; ++p) mix(static_cast<unsigned char>(*p));
  mix(a);
  mix(b);
  if (tracing_)
    std::fprintf(stderr, "sim %12.6f %-8s %llu %llu\n", std::chrono::duration<double>(time_.now - origin_).count(),
                 what, static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
}

void kernel::at(rt::time_point when, std::function<void()> what) {
  events_.emplace(std::pair(when, random_.next()), std::move(what));
}

rt::duration kernel::latency() {
  const auto& f = options_.faults;
  auto d = random_.between(f.latency_least, f.latency_most);
  if (random_.chance(f.slow)) d *= static_cast<int>(random_.between(2, 100));
  if (random_.chance(f.stall)) d += random_.between(1s, 60s);
  return d;
}

void kernel::jump(rt::duration by) noexcept {
  time_.now += by;
  time_.wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(by);
}

void kernel::on_turn() {
  jump(random_.between(rt::duration(0), 20us));
  if (random_.chance(options_.faults.wall_jump)) {
    const auto by = random_.between(0s, 24h);
    random_.chance(0.5) ? time_.wall += by : time_.wall -= by;
  }
  ++turns_;
}

std::size_t kernel::choose(std::size_t ready) noexcept {
  const auto index = random_.below(ready);
  trace("task", index, ready);
  return index;
}

bool kernel::look_around() noexcept { return random_.chance(0.1); }
int kernel::inline_budget() noexcept { return random_.chance(0.3) ? static_cast<int>(random_.below(3)) : 64; }

void kernel::run_blocking(std::function<void()> work, std::function<void()> then) {
  trace("blocking", 0);
  work();
  at(time_.now + random_.between(rt::duration(0), 5ms), [this, then = std::move(then)] {
    woke_ = true;
    then();
  });
}

void kernel::run_events(rt::time_point until) {
  while (!events_.empty() && events_.begin()->first.first <= until) {
    auto what = std::move(events_.extract(events_.begin()).mapped());
    what();
  }
}

void kernel::wait(rt::duration limit) noexcept {
  woke_ = false;
  if (limit == rt::duration::zero()) return run_events(time_.now);
  const bool endless = limit < rt::duration::zero();
  const auto end = endless ? rt::time_point::max() : time_.now + limit;
  while (!woke_ && !events_.empty() && events_.begin()->first.first <= end) {
    if (const auto next = events_.begin()->first.first; next > time_.now) jump(next - time_.now);
    run_events(time_.now);
  }
  if (!woke_ && !endless && time_.now < end) jump(end - time_.now);
  if (random_.chance(options_.faults.clock_jump)) {
    const auto by = random_.between(1ms, 60s);
    trace("jump", static_cast<std::uint64_t>(by.count()));
    jump(by);
  }
  if (time_.now - origin_ > options_.limit || turns_ > 20'000'000) give_up(rt::loop::current(), "it never ends");
}

void kernel::deadlock(const rt::loop& l) { give_up(l, "nothing can happen any more: every task waits for another"); }

void kernel::give_up(const rt::loop& l, const char* why) {
  std::fprintf(stderr, "simulation: %s (after %.3f s, %llu turns)\n", why,
               std::chrono::duration<double>(time_.now - origin_).count(), static_cast<unsigned long long>(turns_));
  for (const auto& t : l.tasks())
    std::fprintf(stderr, "  %*s%s (%s) waits for %s since at most %.3f s\n", static_cast<int>(2 * t.depth), "",
                 t.name.c_str(), t.place.c_str(), t.waiting_for.c_str(), std::chrono::duration<double>(t.age).count());
  std::fprintf(stderr, "seed %llu; %s\n%s\n", static_cast<unsigned long long>(options_.seed),
               options_.faults.text().c_str(), options_.replay.c_str());
  std::abort();
}

}  // namespace atrium::sim
