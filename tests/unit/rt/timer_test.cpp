#include "atrium/rt/timer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace atrium::rt {
namespace {

using namespace std::chrono_literals;

struct probe : timer_entry {
  probe() : timer_entry([](timer_entry& e) noexcept { static_cast<probe&>(e).fired = true; }) {}
  bool fired = false;
};

TEST(TimerWheel, FiresWhenDueAndNotBefore) {
  const time_point t0{};
  timer_wheel wheel(t0);
  probe p;
  wheel.arm(p, t0 + 10ms);
  wheel.advance(t0 + 10ms);
  EXPECT_FALSE(p.fired);  // rounded up to the next tick
  wheel.advance(t0 + 11ms);
  EXPECT_TRUE(p.fired);
  EXPECT_FALSE(p.armed());
}

TEST(TimerWheel, CancelAndDestructionDisarm) {
  const time_point t0{};
  timer_wheel wheel(t0);
  probe p;
  wheel.arm(p, t0 + 5ms);
  wheel.cancel(p);
  {
    probe q;
    wheel.arm(q, t0 + 5ms);
  }
  EXPECT_EQ(wheel.next_due(), time_point::max());
  wheel.advance(t0 + 1h);
  EXPECT_FALSE(p.fired);
}

TEST(TimerWheel, AgreesWithASortedListOverRandomTimesAndSteps) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const time_point t0{};
    timer_wheel wheel(t0);
    std::vector<std::unique_ptr<probe>> probes;
    std::vector<time_point> due;
    auto now = t0;
    for (int i = 0; i < 60; ++i) {
      const auto when = now + std::chrono::milliseconds(random() >> (28 + random() % 36));
      probes.push_back(std::make_unique<probe>());
      due.push_back(when);
      wheel.arm(*probes.back(), when);
      const auto next = wheel.next_due();
      ASSERT_NE(next, time_point::max());
      now += std::chrono::milliseconds(random() >> (30 + random() % 34));
      wheel.advance(now);
      auto earliest = time_point::max();
      for (std::size_t k = 0; k < probes.size(); ++k) {
        const bool should = due[k] + 1ms <= now;
        ASSERT_EQ(probes[k]->fired, should || (probes[k]->fired && due[k] <= now)) << "seed " << seed;
        if (!probes[k]->fired) earliest = std::min(earliest, due[k] + 1ms);
      }
      if (earliest != time_point::max()) ASSERT_LE(wheel.next_due(), earliest + 1ms) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace atrium::rt
