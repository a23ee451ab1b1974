// The runtime's own promises under any order of tasks and any moment of cancellation.
#include <deque>

#include "atrium/rt/blocking.hpp"
#include "atrium/rt/io.hpp"
#include "atrium/rt/sync.hpp"
#include "tests/sim/simulate.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

rt::task<void> some_time(sim::simulation& s, rt::duration most) {
  if (s.random().chance(0.5)) co_await rt::yield();
  else co_await rt::sleep_for(s.random().between(rt::duration(0), most));
}

/// Awaits `body`, maybe with a timeout; gives whether it was done.
rt::task<bool> perhaps_cut(sim::simulation& s, rt::task<void> body) {
  if (s.random().chance(0.5)) {
    co_await std::move(body);
    co_return true;
  }
  const auto limit = s.random().between(rt::duration(0), rt::duration(20ms));
  try {
    co_await rt::with_timeout(limit, std::move(body));
    co_return true;
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
  }
  co_return false;
}

struct locked {
  rt::mutex mutex;
  int inside = 0, entered = 0;
};

rt::task<void> enter(sim::simulation& s, locked& l) {
  auto guard = co_await l.mutex.lock();
  EXPECT_EQ(++l.inside, 1);
  ++l.entered;
  struct leave {
    int& inside;
    ~leave() { --inside; }
  } leave{l.inside};
  co_await some_time(s, 5ms);
}

rt::task<void> enter_often(sim::simulation& s, locked& l, int times) {
  for (int i = 0; i < times; ++i) co_await perhaps_cut(s, enter(s, l));
}

TEST(SimRt, OneTaskAtATimeHoldsAMutexWhoeverGivesUpWaiting) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    locked l;
    co_await rt::with_scope([&](rt::scope& all) -> rt::task<void> {
      for (int i = 0; i < 5; ++i) all.spawn(enter_often(s, l, 6), "enter");
      co_return;
    });
    auto last = co_await l.mutex.lock();  // still free
    EXPECT_GT(l.entered, 0);
  });
}

rt::task<void> queue_up(locked& l, int number, std::vector<int>& order) {
  auto guard = co_await l.mutex.lock();
  order.push_back(number);
  co_await rt::yield();
}

TEST(SimRt, WaitersGetAMutexInTheOrderOfAsking) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    locked l;
    std::vector<int> order, expected;
    rt::scope all(&co_await rt::this_task());
    {
      auto first = co_await l.mutex.lock();
      for (int i = 0; i < 10; ++i) {
        all.spawn(queue_up(l, i, order), "queue up");
        co_await rt::sleep_for(s.random().between(rt::duration(1ms), rt::duration(3ms)));
        expected.push_back(i);
      }
    }
    co_await all.join();
    EXPECT_EQ(order, expected);
  });
}

struct traffic {
  rt::channel<int> line;
  int sent = 0;
  std::vector<int> got;
  explicit traffic(std::size_t capacity) : line(capacity) {}
};

rt::task<void> send_one(traffic& t, int value) {
  if (co_await t.line.send(value)) ++t.sent;
}
rt::task<void> produce(sim::simulation& s, traffic& t, int from) {
  for (int i = 0; i < 15; ++i) {
    co_await perhaps_cut(s, send_one(t, from + i));
    if (s.random().chance(0.3)) co_await some_time(s, 3ms);
  }
}
rt::task<void> receive_one(traffic& t, bool& ended) {
  auto v = co_await t.line.receive();
  if (v) t.got.push_back(*v);
  else ended = true;
}
rt::task<void> consume(sim::simulation& s, traffic& t) {
  for (bool ended = false; !ended;) {
    co_await perhaps_cut(s, receive_one(t, ended));
    if (s.random().chance(0.3)) co_await some_time(s, 3ms);
  }
}

TEST(SimRt, AChannelLosesNothingAndDoublesNothingWhoeverGivesUp) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    traffic t(s.random().between(1, 4));
    rt::scope consumers(&co_await rt::this_task());
    for (int i = 0; i < 3; ++i) consumers.spawn(consume(s, t), "consume");
    co_await rt::all(produce(s, t, 0), produce(s, t, 100), produce(s, t, 200));
    t.line.close();
    co_await consumers.join();
    EXPECT_EQ(static_cast<int>(t.got.size()), t.sent);
    std::sort(t.got.begin(), t.got.end());
    EXPECT_EQ(std::adjacent_find(t.got.begin(), t.got.end()), t.got.end());
  });
}

struct life {
  int alive = 0;
  life() = default;
};

rt::task<void> branch(sim::simulation& s, life& l, int depth) {
  ++l.alive;
  struct end {
    life& l;
    ~end() { --l.alive; }
  } end{l};
  co_await some_time(s, 10ms);
  if (s.random().chance(0.03)) fail(disposition::failed, "planned");
  if (depth == 0) co_return;
  co_await rt::with_scope([&](rt::scope& children) -> rt::task<void> {
    const auto n = s.random().between(1, 3);
    for (std::uint64_t i = 0; i < n; ++i) children.spawn(branch(s, l, depth - 1), "branch");
    if (s.random().chance(0.2)) {
      co_await some_time(s, 5ms);
      children.cancel(rt::cancel_reason::requested);
    }
    co_await some_time(s, 10ms);
  });
}

TEST(SimRt, AScopeEndsAfterAllItsChildrenHoweverTheyEnd) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    life l;
    try {
      co_await perhaps_cut(s, branch(s, l, 3));
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::failed);
    }
    EXPECT_EQ(l.alive, 0);
  });
}

rt::task<void> clean_up(sim::simulation& s, bool& done) {
  co_await some_time(s, 20ms);
  done = true;
}
rt::task<void> with_clean_up(sim::simulation& s, bool& done) {
  std::exception_ptr failed;
  try {
    co_await rt::sleep_for(50ms);
  } catch (...) {
    failed = std::current_exception();
  }
  co_await rt::shield(clean_up(s, done));
  if (failed) std::rethrow_exception(failed);
}

TEST(SimRt, TimeoutsAreNeverEarlyAndShieldedCleanUpIsFinished) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    for (int i = 0; i < 5; ++i) {
      const auto limit = s.random().between(rt::duration(1ms), rt::duration(100ms));
      const auto began = rt::clock::now();
      bool done = false;
      try {
        co_await rt::with_timeout(limit, with_clean_up(s, done));
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::timed_out);
        // with_timeout counts from the start of its turn, which was a moment before.
        EXPECT_GE(rt::clock::now() - began, limit - 10ms);
      }
      EXPECT_TRUE(done);
      EXPECT_EQ(co_await rt::blocking([] { return 7; }), 7);
    }
  });
}

rt::task<void> send_stream(sim::simulation& s, rt::socket to, std::string text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto n = std::min<std::size_t>(rest.size(), s.random().between(1, 5000));
    co_await to.send_all(rt::as_bytes(rest.substr(0, n)));
    rest.remove_prefix(n);
  }
  to.shutdown_send();
  std::byte unused[16];
  while (co_await to.recv_some(unused) > 0) {
  }
}

rt::task<void> dial(sim::simulation& s, rt::endpoint to, std::string text, bool& whole) {
  for (int tries = 0; tries < 3 && !whole; ++tries) try {
      auto c = co_await rt::socket::connect(to);
      co_await send_stream(s, std::move(c), text);
      whole = true;
    } catch (const failure& f) {
      EXPECT_TRUE(f.disposition() == disposition::disconnected || f.disposition() == disposition::timed_out)
          << f.error().describe();
    }
}

rt::task<void> read_stream(rt::socket from, std::string_view expected, int& whole) {
  std::string got;
  std::byte buffer[777];
  try {
    while (const auto n = co_await from.recv_some(buffer)) got += rt::as_text({buffer, n});
    if (got == expected) ++whole;
    EXPECT_EQ(got.size(), expected.size()) << "an orderly end comes after all bytes";
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected) << f.error().describe();
  }
  EXPECT_TRUE(expected.starts_with(got)) << "bytes changed their order";
}

rt::task<void> accept_all(rt::listener& l, std::string_view expected, int& whole, rt::scope& readers) {
  for (;;) readers.spawn(read_stream(co_await l.accept(), expected, whole), "read");
}

TEST(SimRt, StreamsKeepOrderAndEndOrFailClearly) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    std::string text;
    for (auto n = s.random().between(1, 8000); n > 0; --n) text += static_cast<char>('a' + n % 26);
    auto l = rt::listener::bind(rt::endpoint::parse(s.random().chance(0.5) ? "127.0.0.1:0" : "unix:/sim"),
                                s.random().chance(0.5) ? 1 : 16);
    const auto at = l.local();
    int arrived = 0;
    bool sent[4] = {};
    rt::scope readers(&co_await rt::this_task()), acceptor(&co_await rt::this_task());
    acceptor.spawn(accept_all(l, text, arrived, readers), "accept");
    co_await rt::all(dial(s, at, text, sent[0]), dial(s, at, text, sent[1]), dial(s, at, text, sent[2]),
                     dial(s, at, text, sent[3]));
    acceptor.cancel(rt::cancel_reason::shutdown);
    try {
      co_await acceptor.join();
    } catch (const failure&) {
    }
    co_await readers.join();
    l.close();
    EXPECT_GE(arrived, int(sent[0]) + sent[1] + sent[2] + sent[3]);
  });
}

}  // namespace
}  // namespace atrium::tests
