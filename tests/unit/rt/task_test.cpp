#include "tests/support/backends.hpp"

#include <thread>

#include "atrium/rt/blocking.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::rt {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(Tasks);

task<int> answer() { co_return 42; }
task<int> add(int a, task<int> b) { co_return a + co_await std::move(b); }
task<> throw_invalid() {
  fail(disposition::invalid, "no");
  co_return;
}

disposition disposition_of(const std::exception_ptr& e) { return error_of(e).disposition(); }

task<disposition> outcome(task<> body) {
  std::exception_ptr failed;
  try {
    co_await std::move(body);
  } catch (...) {
    failed = std::current_exception();
  }
  co_return failed ? disposition_of(failed) : disposition::failed;
}

TEST_P(Tasks, ReturnValuesAndChains) {
  loop l(GetParam());
  EXPECT_EQ(l.run(add(1, add(2, answer()))), 45);
}

TEST_P(Tasks, RethrowWhatTheBodyThrew) {
  loop l(GetParam());
  EXPECT_THROW(l.run(throw_invalid()), failure);
}

TEST_P(Tasks, TwoMillionReadyChildrenNeedNoStack) {
  run([]() -> task<> {
    long sum = 0;
    for (int i = 0; i < 2'000'000; ++i) sum += co_await answer();
    EXPECT_EQ(sum, 84'000'000);
  }());
}

struct noted_call : deferred_call {
  explicit noted_call(std::vector<int>& to, int what)
      : deferred_call([](deferred_call& c) noexcept {
          auto& self = static_cast<noted_call&>(c);
          self.order.push_back(self.number);
        }),
        order(to),
        number(what) {}
  std::vector<int>& order;
  int number;
};

TEST_P(Tasks, DeferredCallsRunOnceAfterWhatIsReady) {
  std::vector<int> order;
  run([](std::vector<int>& to) -> task<> {
    noted_call first(to, 1), second(to, 2);
    auto& l = loop::current();
    {
      noted_call gone(to, 3);
      l.defer(gone);
    }
    l.defer(first);
    l.defer(second);
    l.defer(first);
    scope s(&co_await this_task());
    s.spawn(
        [](std::vector<int>& out) -> task<> {
          out.push_back(0);
          co_return;
        }(to),
        "ready");
    co_await s.join();
    co_await sleep_for(1ms);
    EXPECT_FALSE(first.pending());
    l.defer(first);  // runs though nothing waits any more
    co_await sleep_for(1ms);
  }(order));
  if (GetParam() != backend_kind::simulated) EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 1}));
}

TEST_P(Tasks, YieldLetsTheLoopLookAround) {
  run([]() -> task<> {
    bool posted = false;
    loop::current().post([&] { posted = true; });
    co_await yield();
    EXPECT_TRUE(posted);
  }());
}

TEST_P(Tasks, ScopeJoinsItsChildren) {
  run([]() -> task<> {
    int done = 0;
    auto child = [](int& d, duration pause) -> task<> {
      co_await sleep_for(pause);
      ++d;
    };
    co_await with_scope([&](scope& s) -> task<> {
      for (int i = 0; i < 10; ++i) s.spawn(child(done, 1ms * i), "child");
      co_return;
    });
    EXPECT_EQ(done, 10);
  }());
}

TEST_P(Tasks, JoinWaitsForAChildSpawnedAfterTheLastOneEnded) {
  run([]() -> task<> {
    event first_ended;
    bool late_done = false;
    auto first = [](event& e) -> task<> {
      e.set();  // the spawner below runs before whoever joins
      co_return;
    };
    auto late = [](bool& done) -> task<> {
      co_await sleep_for(1ms);
      done = true;
    };
    scope joined, other;
    auto spawner = [&late](event& e, scope& s, bool& done) -> task<> {
      co_await e.wait();
      s.spawn(late(done), "late");
    };
    other.spawn(spawner(first_ended, joined, late_done), "spawner");
    co_await yield();
    joined.spawn(first(first_ended), "first");
    co_await joined.join();
    EXPECT_TRUE(late_done);
    co_await other.join();
  }());
}

TEST_P(Tasks, ChildrenThatEndInAnyOrderLeaveTheOthersToTheScope) {
  run([]() -> task<> {
    constexpr std::size_t count = 100;
    std::vector<std::unique_ptr<event>> ends;
    std::vector<disposition> outcomes(count, disposition::failed);
    scope s;
    auto child = [](event& end, disposition& out) -> task<> {
      out = disposition::invalid;
      out = co_await outcome(end.wait());
    };
    for (std::size_t i = 0; i < count; ++i) {
      ends.push_back(std::make_unique<event>());
      s.spawn(child(*ends[i], outcomes[i]), "child");
    }
    co_await yield();
    for (std::size_t i = 0; i < count / 2; ++i) ends[i * 37 % count]->set();  // 37: each one once, in no order
    co_await yield();
    EXPECT_EQ(s.size(), count / 2);
    s.cancel(cancel_reason::requested);
    co_await s.join();
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_EQ(outcomes[i * 37 % count] == disposition::cancelled, i >= count / 2) << i;
  }());
}

TEST_P(Tasks, FirstFailureCancelsSiblingsAndIsRethrown) {
  run([]() -> task<> {
    bool sibling_cancelled = false;
    auto sibling = [](bool& cancelled) -> task<> {
      cancelled = co_await outcome(sleep_for(1h)) == disposition::cancelled;
    };
    auto body = [&](scope& s) -> task<> {
      s.spawn(sibling(sibling_cancelled), "sibling");
      s.spawn(throw_invalid(), "failing");
      co_return;
    };
    EXPECT_EQ(co_await outcome(with_scope(body)), disposition::invalid);
    EXPECT_TRUE(sibling_cancelled);
  }());
}

TEST_P(Tasks, TimeoutCancelsAndSaysSo) {
  run([]() -> task<> {
    EXPECT_EQ(co_await outcome(with_timeout(5ms, sleep_for(1h))), disposition::timed_out);
    EXPECT_EQ(co_await with_timeout(1h, answer()), 42);
  }());
}

TEST_P(Tasks, InTimeTellsWhetherTheBodyEndedByItself) {
  run([]() -> task<> {
    EXPECT_TRUE(co_await in_time(1h, answer()));
    EXPECT_FALSE(co_await in_time(5ms, sleep_for(1h)));
    EXPECT_EQ(co_await outcome([]() -> task<> { co_await in_time(1h, throw_invalid()); }()), disposition::invalid);
    // A limit of the body's own is an error of the body.
    EXPECT_EQ(co_await outcome([]() -> task<> { co_await in_time(1h, with_timeout(1ms, sleep_for(1h))); }()),
              disposition::timed_out);
    // Cancelled from outside: not the limit's doing.
    EXPECT_EQ(co_await outcome(with_timeout(5ms, []() -> task<> { co_await in_time(1h, sleep_for(1h)); }())),
              disposition::timed_out);
  }());
}

TEST_P(Tasks, WaitsForAChangeEndAtTheirLimit) {
  run([]() -> task<> {
    event e;
    condition c;
    EXPECT_FALSE(co_await e.wait_for(2ms));
    EXPECT_FALSE(co_await c.wait_for(2ms));
    auto change = [](event& one, condition& other) -> task<> {
      co_await yield();
      one.set();
      other.notify_all();
    };
    scope s;
    s.spawn(change(e, c), "change");
    EXPECT_TRUE(co_await c.wait_for(1h));
    EXPECT_TRUE(co_await e.wait_for(1h));
    co_await s.join();
  }());
}

TEST_P(Tasks, OuterTimeoutPassesThroughInnerOne) {
  run([]() -> task<> {
    bool inner_saw_cancelled = false;
    auto inner = [](bool& saw) -> task<> {
      saw = co_await outcome(with_timeout(1h, sleep_for(1h))) == disposition::cancelled;
      co_await yield();  // still cancelled: throws
    };
    EXPECT_EQ(co_await outcome(with_timeout(5ms, inner(inner_saw_cancelled))), disposition::timed_out);
    EXPECT_TRUE(inner_saw_cancelled);
  }());
}

TEST_P(Tasks, ShieldLetsCleanUpFinish) {
  run([]() -> task<> {
    bool cleaned = false;
    auto clean = [](bool& c) -> task<> {
      co_await sleep_for(2ms);
      c = true;
    };
    auto body = [&](bool& c) -> task<> {
      co_await outcome(sleep_for(1h));
      co_await shield(clean(c));
    };
    co_await outcome(with_timeout(2ms, body(cleaned)));
    EXPECT_TRUE(cleaned);
  }());
}

TEST_P(Tasks, CancelledScopeStopsEveryKindOfWait) {
  run([]() -> task<> {
    mutex m;
    event never;
    channel<int> full(0), empty(1);
    auto held = co_await m.lock();
    auto lock = [](mutex& x) -> task<> { co_await x.lock(); };
    auto send = [](channel<int>& c) -> task<> { co_await c.send(1); };
    auto receive = [](channel<int>& c) -> task<> { co_await c.receive(); };
    scope s;
    s.spawn(lock(m), "lock");
    s.spawn(never.wait(), "event");
    s.spawn(send(full), "send");
    s.spawn(receive(empty), "receive");
    s.spawn(sleep_for(1h), "sleep");
    co_await yield();
    EXPECT_EQ(s.size(), 5u);
    s.cancel(cancel_reason::requested);
    co_await s.join();
    EXPECT_EQ(s.size(), 0u);
  }());
}

TEST_P(Tasks, MutexIsFairAndExclusive) {
  run([]() -> task<> {
    mutex m;
    std::vector<int> order;
    auto body = [](mutex& x, std::vector<int>& o, int i) -> task<> {
      auto guard = co_await x.lock();
      co_await yield();
      o.push_back(i);
    };
    co_await with_scope([&](scope& s) -> task<> {
      for (int i = 0; i < 5; ++i) s.spawn(body(m, order, i), "locker");
      co_return;
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  }());
}

TEST_P(Tasks, ChannelCarriesInOrderAndCloses) {
  run([]() -> task<> {
    channel<int> c(3);
    auto produce = [](channel<int>& x) -> task<> {
      for (int i = 0; i < 100; ++i) co_await x.send(i);
      x.close();
    };
    scope s;
    s.spawn(produce(c), "producer");
    int expected = 0;
    while (auto i = co_await c.receive()) EXPECT_EQ(*i, expected++);
    EXPECT_EQ(expected, 100);
    co_await s.join();
  }());
}

TEST_P(Tasks, PostFromAnotherThreadWakesASleepingLoop) {
  loop l(GetParam());
  auto body = [](loop& x) -> task<> {
    event e;
    std::thread other([&] { x.post([&] { e.set(); }); });
    co_await e.wait();
    other.join();
  };
  l.run(body(l));
}

TEST_P(Tasks, BlockingWorkRunsElsewhereAndRethrows) {
  run([]() -> task<> {
    const auto here = std::this_thread::get_id();
    const auto there = co_await blocking([] { return std::this_thread::get_id(); });
    EXPECT_NE(here, there);
    EXPECT_EQ(co_await outcome(blocking([] { fail(disposition::denied, "no"); })), disposition::denied);
  }());
}

TEST_P(Tasks, TreeShowsNamesPlacesAndWaits) {
  run([]() -> task<> {
    event never;
    scope s(&co_await this_task());
    s.spawn(never.wait(), "waiter");
    co_await yield();
    const auto tasks = loop::current().tasks();
    EXPECT_EQ(tasks.size(), 2u);
    if (tasks.size() == 2) {
      EXPECT_EQ(tasks[1].name, "waiter");
      EXPECT_EQ(tasks[1].waiting_for, "event");
      EXPECT_EQ(tasks[1].depth, 1u);
      EXPECT_TRUE(tasks[1].place.starts_with("task_test.cpp:"));
    }
    s.cancel(cancel_reason::requested);
    co_await s.join();
  }());
}

}  // namespace
}  // namespace atrium::rt
