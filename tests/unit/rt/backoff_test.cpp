#include "atrium/rt/backoff.hpp"

#include <gtest/gtest.h>

namespace atrium::rt {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToItsLongestWithJitter) {
  backoff b({.first = 100ms, .longest = 1s, .factor = 2, .jitter = 1}, 7);
  time_point now{};
  EXPECT_FALSE(b.failing());
  for (const auto least : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    const auto wait = b.next(now);
    EXPECT_GE(wait, least);
    EXPECT_LE(wait, 2 * least);
    now += wait;
  }
  EXPECT_EQ(b.failures(), 6u);
}

TEST(Backoff, StartsAgainAfterASuccessOrAQuietTime) {
  backoff b({.first = 100ms, .longest = 10s, .jitter = 0, .reset_after = 1min}, 7);
  time_point now{};
  for (int i = 0; i < 5; ++i) now += b.next(now);
  b.reset();
  EXPECT_FALSE(b.failing());
  EXPECT_EQ(b.next(now), 100ms);
  EXPECT_EQ(b.next(now), 200ms);
  EXPECT_EQ(b.next(now + 2min), 100ms);
  EXPECT_EQ(b.failures(), 1u);
}

}  // namespace
}  // namespace atrium::rt
