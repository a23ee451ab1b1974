#include "atrium/k8s/work_queue.hpp"

#include <algorithm>

#include "tests/support/backends.hpp"

namespace atrium::k8s {
namespace {

using namespace std::chrono_literals;
constexpr rt::time_point t0{1000s};

TEST(WorkQueueCore, AKeyIsWaitingOnceHoweverOftenItIsAdded) {
  work_queue_core q;
  q.add("a");
  q.add("b");
  q.add("a");
  EXPECT_EQ(q.take(t0), "a");
  EXPECT_EQ(q.take(t0), "b");
  EXPECT_EQ(q.take(t0), std::nullopt);
}

TEST(WorkQueueCore, AKeyAddedWhileWorkedOnComesBackOnceAfterwards) {
  work_queue_core q;
  q.add("a");
  EXPECT_EQ(q.take(t0), "a");
  q.add("a");
  q.add("a");
  EXPECT_EQ(q.take(t0), std::nullopt) << "never by two workers at once";
  q.done("a");
  EXPECT_EQ(q.take(t0), "a");
  q.done("a");
  EXPECT_EQ(q.take(t0), std::nullopt);
}

TEST(WorkQueueCore, EachKeyBacksOffByItselfFrom5msTo1000s) {
  work_queue_core q;
  EXPECT_EQ(q.add_after_failure("a", t0), 5ms);
  EXPECT_EQ(q.add_after_failure("a", t0), 10ms);
  EXPECT_EQ(q.add_after_failure("b", t0), 5ms);
  for (int i = 0; i < 40; ++i) q.add_after_failure("a", t0);
  EXPECT_EQ(q.add_after_failure("a", t0), 1000s);
  q.forget("a");
  EXPECT_EQ(q.add_after_failure("a", t0), 5ms);
}

TEST(WorkQueueCore, TheEarlierOfTwoTimesWinsAndAddWinsOverBoth) {
  work_queue_core q;
  q.add_at("a", t0 + 10s);
  q.add_at("a", t0 + 5s);
  q.add_at("a", t0 + 20s);
  EXPECT_EQ(q.next_due(), t0 + 5s);
  EXPECT_EQ(q.take(t0 + 4s), std::nullopt);
  EXPECT_EQ(q.take(t0 + 5s), "a");
  q.done("a");
  EXPECT_EQ(q.next_due(), rt::time_point::max());
  q.add_at("b", t0 + 9s);
  q.add("b");
  EXPECT_EQ(q.take(t0), "b");
  q.done("b");
  EXPECT_EQ(q.take(t0 + 60s), std::nullopt);
}

ATRIUM_ON_BACKENDS(WorkQueue);

TEST_P(WorkQueue, RepeatsWhatFailsAndRunsKeysNeverTwiceAtOnce) {
  run([]() -> rt::task<> {
    work_queue q("test", 1ms);
    std::map<std::string, int> tries;
    std::set<std::string> running;
    rt::event done;
    auto body = [&](rt::scope& s) -> rt::task<> {
      s.spawn(q.run(3,
                    [&](std::string key) -> rt::task<work_queue::again> {
                      EXPECT_TRUE(running.insert(key).second);
                      co_await rt::yield();
                      running.erase(key);
                      if (++tries[key] < 4) fail(disposition::overloaded, "not yet");
                      if (tries.size() == 3 && std::ranges::all_of(tries, [](auto& t) { return t.second >= 4; }))
                        done.set();
                      co_return work_queue::again{};
                    }),
              "queue");
      for (const char* key : {"a", "b", "c", "a"}) q.add(key);
      co_await done.wait();
      s.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
    EXPECT_EQ(q.waiting(), 0u);
  }());
}

}  // namespace
}  // namespace atrium::k8s
