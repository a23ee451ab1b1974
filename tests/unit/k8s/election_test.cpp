#include "atrium/k8s/election.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>

namespace atrium::k8s {
namespace {

using namespace std::chrono_literals;
using kind = election_machine::step::kind;
constexpr rt::time_point t0{1000s};
const wall_time w0 = *parse_time("2026-11-24T10:00:00Z");

election_options options_of(std::string who) { return {.ns = "n", .name = "l", .identity = std::move(who)}; }

/// The server's side: one Lease with optimistic concurrency.
struct server {
  std::optional<lease> stored;
  int version = 0;
  bool write(lease l) {
    if (stored ? l.meta.resource_version != stored->meta.resource_version : !l.meta.resource_version.empty())
      return false;
    l.meta.uid = "u";
    l.meta.resource_version = std::to_string(++version);
    stored = l;
    return true;
  }
};

void turn(election_machine& m, server& s, rt::time_point now) {
  auto step = m.look(now, w0 + (now - t0), s.stored);
  if (step.what == kind::wait) return;
  if (s.write(step.write)) m.wrote(now, *s.stored);
}

TEST(Election, CreatesTheLeaseAndLeads) {
  election_machine a(options_of("a"));
  server s;
  EXPECT_FALSE(a.leading(t0));
  turn(a, s, t0);
  EXPECT_TRUE(a.leading(t0));
  EXPECT_EQ(s.stored->holder, "a");
  EXPECT_TRUE(a.leading(t0 + 9s));
  EXPECT_FALSE(a.leading(t0 + 10s)) << "not renewed within the deadline";
}

TEST(Election, AnotherOneWaitsUntilTheLeaseHasBeenUnchangedForItsDuration) {
  election_machine a(options_of("a")), b(options_of("b"));
  server s;
  turn(a, s, t0);
  const auto first = *a.token();
  auto now = t0;
  for (; now < t0 + 30s; now += 2s) {  // a renews, b never gets it
    turn(a, s, now);
    turn(b, s, now);
    EXPECT_FALSE(b.leading(now));
  }
  const auto silent_since = now - 2s;
  for (; !b.leading(now); now += 1s) turn(b, s, now);
  EXPECT_GE(now - 1s, silent_since + 15s);
  EXPECT_EQ(*b.token(), first + 1);
  EXPECT_FALSE(a.leading(now)) << "two leaders at once";
  turn(a, s, now);
  EXPECT_FALSE(a.token().has_value());
}

TEST(Election, AWrongClockOfTheHolderDoesNotMatter) {
  election_machine b(options_of("b"));
  server s;
  lease old{.holder = "a", .duration_seconds = 15, .transitions = 5, .renewed = w0 - 24h};
  s.write(old);
  turn(b, s, t0);
  EXPECT_FALSE(b.leading(t0)) << "an old time may be a slow clock: only our own observation counts";
  turn(b, s, t0 + 15s);
  EXPECT_TRUE(b.leading(t0 + 15s));
  EXPECT_EQ(b.token(), 6);
}

TEST(Election, AReleasedLeaseIsTakenAtOnceWithAHigherToken) {
  election_machine a(options_of("a")), b(options_of("b"));
  server s;
  turn(a, s, t0);
  turn(b, s, t0);
  auto given = a.release(w0);
  ASSERT_TRUE(given);
  given->meta.resource_version = s.stored->meta.resource_version;
  ASSERT_TRUE(s.write(*given));
  turn(b, s, t0 + 1s);
  EXPECT_TRUE(b.leading(t0 + 1s));
  EXPECT_GT(*b.token(), *a.token());
}

TEST(Election, ASuccessorOfTheSameReplicaDoesNotWait) {
  const auto of = [](std::string replica, std::string who) {
    auto o = options_of(replica + "/" + who);
    o.replica = std::move(replica);
    return o;
  };
  election_machine a(of("r", "1")), b(of("r", "2")), other(of("r2", "1"));
  server s;
  turn(a, s, t0);
  turn(other, s, t0 + 1s);
  EXPECT_FALSE(other.leading(t0 + 1s));
  turn(b, s, t0 + 1s);  // a was killed
  EXPECT_TRUE(b.leading(t0 + 1s));
  EXPECT_GT(*b.token(), *a.token());
  turn(b, s, t0 + 3s);
  EXPECT_EQ(s.stored->transitions, *b.token()) << "its own lease is renewed, not taken again";
}

TEST(Election, ADeletedLeaseDoesNotMakeTokensStartOver) {
  election_machine a(options_of("a")), b(options_of("b"));
  server s;
  turn(a, s, t0);
  const auto before = *a.token();
  s.stored.reset();
  turn(b, s, t0 + 60s);
  EXPECT_GT(*b.token(), before);
}

TEST(Election, NeverTwoLeadersWhateverIsLost) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 200; ++round) {
    std::vector<election_machine> all;
    for (const char* name : {"a", "b", "c"}) all.emplace_back(options_of(name));
    server s;
    std::int64_t highest = -1;
    for (auto now = t0; now < t0 + 200s; now += 500ms) {
      for (auto& m : all)
        if (random() % 4 == 0) turn(m, s, now);  // a quarter of the turns happen: the rest is lost to pauses
      int leaders = 0;
      for (auto& m : all) leaders += m.leading(now);
      ASSERT_LE(leaders, 1) << "round " << round;
      for (auto& m : all)
        if (m.leading(now)) {
          ASSERT_GE(*m.token(), highest);
          highest = *m.token();
        }
    }
  }
}

TEST(Election, WritesWhatItReads) {
  lease l{.meta = {.name = "l", .ns = "n", .resource_version = "7"},
          .holder = "a",
          .duration_seconds = 15,
          .transitions = 3,
          .acquired = w0,
          .renewed = w0 + 1500ms};
  const auto back = parse_lease(to_json(l));
  EXPECT_EQ(back.holder, "a");
  EXPECT_EQ(back.transitions, 3);
  EXPECT_EQ(back.renewed, l.renewed);
  EXPECT_EQ(back.meta.resource_version, "7");
}

}  // namespace
}  // namespace atrium::k8s
