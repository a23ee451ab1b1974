// What helps to find out what a process does: trace ids of tasks, who holds a loop, how late it is.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/blocking.hpp"
#include "atrium/rt/stall_watch.hpp"
#include "atrium/rt/sync.hpp"
#include "tests/support/backends.hpp"

namespace atrium::rt {
namespace {

using namespace std::chrono_literals;

/// Standard error goes into a file while it lives.
class captured_log {
 public:
  captured_log() : before_(::dup(STDERR_FILENO)) {
    const int fd = ::mkstemp(path_);
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
  }
  ~captured_log() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::unlink(path_);
  }
  std::string text() const {
    std::ifstream in(path_);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  bool has(std::string_view what) const { return text().find(what) != std::string::npos; }
  std::string line_with(std::string_view what) const {
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);)
      if (line.find(what) != std::string::npos) return line;
    return {};
  }

 private:
  char path_[32] = "/tmp/atrium-log-XXXXXX";
  int before_;
};

ATRIUM_ON_BACKENDS(Debugging);

task<> expect_trace(trace::id wanted, int& seen) {
  EXPECT_EQ((co_await this_task()).trace(), wanted);
  EXPECT_EQ(trace::current(), wanted);
  co_await sleep_for(1ms);
  EXPECT_EQ(trace::current(), wanted) << "after others have run";
  EXPECT_EQ(co_await blocking([] { return trace::current(); }), wanted) << "on a thread of the pool";
  ++seen;
}

TEST_P(Debugging, ATraceGoesFromATaskToItsChildren) {
  run([]() -> task<> {
    EXPECT_FALSE(trace::current());
    const auto a = trace::make(), b = trace::make();
    int seen = 0;
    auto& node = co_await this_task();
    co_await with_scope([&](scope& s) -> task<> {
      {
        trace_region traced(node, a);
        s.spawn(expect_trace(a, seen), "a");
        {
          trace_region inner(node, b);
          s.spawn(expect_trace(b, seen), "b");
          co_await yield();
          EXPECT_EQ(trace::current(), b);
        }
        EXPECT_EQ(trace::current(), a);
      }
      s.spawn(expect_trace({}, seen), "none");
      co_return;
    });
    EXPECT_EQ(seen, 3);
  }());
  EXPECT_FALSE(trace::current()) << "outside of loops there is none";
}

TEST_P(Debugging, RecordsOfATaskHaveItsTrace) {
  captured_log log;
  const auto id = trace::make();
  run([](trace::id t) -> task<> {
    log::info("before");
    trace_region traced(co_await this_task(), t);
    log::info("within");
  }(id));
  EXPECT_TRUE(log.line_with("within").find(id.text()) != std::string::npos) << log.text();
  EXPECT_EQ(log.line_with("before").find("trace"), std::string::npos) << log.text();
}

task<> hold_until(const captured_log& log, std::string what, bool& seen) {
  const auto give_up = clock::now() + 20s;
  while (!(seen = log.has(what)) && clock::now() < give_up) std::this_thread::sleep_for(5ms);
  co_return;
}

TEST_P(Debugging, WhoHoldsTheLoopIsNamedWhileItDoes) {
  captured_log log;
  loop l(GetParam());
  bool seen = false;
  {
    stall_watch watch(l, 20ms);
    l.run([](const captured_log& lines, bool& told) -> task<> {
      co_await sleep_for(1ms);
      co_await with_scope([&](scope& s) -> task<> {
        s.spawn(hold_until(lines, "task holds the loop", told), "long parse");
        co_return;
      });
      co_await sleep_for(1ms);
    }(log, seen));
  }
  EXPECT_TRUE(seen) << "it was named while it still ran";
  const auto line = log.line_with("task holds the loop");
  EXPECT_TRUE(line.find("long parse") != std::string::npos && line.find("debug_test.cpp:") != std::string::npos)
      << log.text();
  EXPECT_TRUE(log.line_with("loop stalled").find("long parse") != std::string::npos) << log.text();
  EXPECT_GE(metrics::get_counter("atrium_runtime_stalls_total", "", {{"task", "long parse"}}).value(), 1u);
}

TEST_P(Debugging, AWatchSleepsWithItsLoopAndEndsWithoutIt) {
  loop l(GetParam());
  stall_watch watch(l, 20ms);
  l.run([]() -> task<> {
    for (int i = 0; i < 20; ++i) co_await sleep_for(10ms);
  }());
  l.run([]() -> task<> { co_return; }());
}

TEST_P(Debugging, TheLoopTellsItsFigures) {
  run([]() -> task<> {
    co_await with_scope([](scope& s) -> task<> {
      for (int i = 0; i < 40; ++i) s.spawn(sleep_for(10s), "sleeper");
      co_await yield();
      co_await yield();
      loop::current().publish_metrics();
      const auto text = metrics::text();
      for (const auto* name : {"atrium_runtime_loop_lag_seconds_bucket", "atrium_runtime_resumes_total",
                               "atrium_runtime_run_queue_tasks", "atrium_runtime_timers", "atrium_runtime_tasks"})
        EXPECT_NE(text.find(name), std::string::npos) << name;
      EXPECT_EQ(metrics::get_gauge("atrium_runtime_tasks", "").value(), 41);
      EXPECT_GE(metrics::get_gauge("atrium_runtime_timers", "").value(), 41);  // and the test's own limit
      s.cancel(cancel_reason::requested);
    });
  }());
}

}  // namespace
}  // namespace atrium::rt
