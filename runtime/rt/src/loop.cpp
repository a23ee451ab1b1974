#include "atrium/rt/loop.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "backend.hpp"
#include "place.hpp"
#include "simulated_kernel.hpp"

namespace atrium::rt {

namespace detail {

/// What other threads touch.
struct loop_state {
  std::mutex mutex;
  std::vector<std::function<void()>> posted;
  std::atomic<bool> has_posted{false};
  std::atomic<bool> asleep{false};
};

root run_root(task<void> body, std::exception_ptr& failed, bool& done) {
  try {
    co_await std::move(body);
  } catch (...) {
    failed = std::current_exception();
  }
  done = true;
}

}  // namespace detail

namespace {

thread_local loop* current_loop = nullptr;

constexpr int ready_budget = 256;   // tasks resumed a turn before the kernel is asked again
constexpr int inline_budget = 512;  // operations a turn that may complete without suspending
constexpr auto between_stall_records = std::chrono::seconds(1);

long long ms(duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

/// The trace id for log records: that of the task that runs on this thread, or that one on whose behalf a pool thread
/// works.
trace::id current_trace() noexcept {
  const auto* node = current_loop ? current_loop->running() : detail::served_task;
  return node ? node->trace() : trace::id{};
}
[[maybe_unused]] const bool trace_source_set = (trace::set_source(current_trace), true);

backend_kind wanted(backend_kind asked) {
  if (asked != backend_kind::automatic) return asked;
  const char* forced = std::getenv("ATRIUM_RUNTIME_BACKEND");
  if (!forced || !*forced) return backend_kind::automatic;
  if (std::strcmp(forced, "epoll") == 0) return backend_kind::epoll;
  if (std::strcmp(forced, "io_uring") == 0) return backend_kind::io_uring;
  fail(disposition::invalid, "ATRIUM_RUNTIME_BACKEND must be 'epoll' or 'io_uring'.");
}

std::unique_ptr<detail::backend> choose(backend_kind asked, backend_kind& got) {
  const auto want = wanted(asked);
  std::string reason = "forced";
  std::unique_ptr<detail::backend> b;
  if (want != backend_kind::epoll) {
    b = detail::make_uring_backend(reason);
    if (!b && want == backend_kind::io_uring)
      fail(disposition::unimplemented,
           "The kernel refuses io_uring (" + reason + "). Unset ATRIUM_RUNTIME_BACKEND to use epoll.");
    if (b && want == backend_kind::automatic) reason = "granted by the kernel";
  }
  got = b ? backend_kind::io_uring : backend_kind::epoll;
  if (!b) b = detail::make_epoll_backend();
  const char* name = got == backend_kind::epoll ? "epoll" : "io_uring";
  static std::once_flag once;
  std::call_once(once, [&] {
    log::info("runtime backend chosen", {{"backend", name}, {"reason", reason}});
    metrics::get_gauge("atrium_runtime_backend", "1 for the I/O backend in use", {{"kind", name}}).set(1);
  });
  return b;
}

}  // namespace

loop::loop(backend_kind asked)
    : backend_(choose(asked, kind_)),
      state_(std::make_unique<detail::loop_state>()),
      timers_(clock::now()),
      now_(clock::now()) {
  deferred_.previous_ = deferred_.next_ = &deferred_;
  ::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of the write, not the end of the process
}

loop::loop(std::unique_ptr<detail::simulated_kernel> kernel)
    : kind_(backend_kind::simulated),
      simulation_(kernel.get()),
      state_(std::make_unique<detail::loop_state>()),
      timers_(clock::now()),
      now_(clock::now()) {
  deferred_.previous_ = deferred_.next_ = &deferred_;
  backend_ = std::move(kernel);
}

loop::~loop() {
  ATRIUM_ASSERT(!nodes_, "every task has been joined before its loop ends");
  while (deferred_.next_ != &deferred_) deferred_.next_->unlink();
}

loop& loop::current() noexcept {
  ATRIUM_ASSERT(current_loop, "runtime operations run inside loop::run");
  return *current_loop;
}

void forget_fd(int fd) noexcept {
  if (current_loop) current_loop->io().forget(fd);
}

void loop::post(std::function<void()> f) {
  // All of it under the lock, the waking too: `f` may be what ends this loop, and its turn takes the lock before it
  // runs `f`, so that no poster is still in here when the loop is destroyed.
  const std::lock_guard lock(state_->mutex);
  state_->posted.push_back(std::move(f));
  state_->has_posted.store(true, std::memory_order_seq_cst);
  if (state_->asleep.load(std::memory_order_seq_cst)) backend_->wake();
}

void loop::schedule(detail::ready_item& item) noexcept {
  item.next_ready = nullptr;
  (ready_tail_ ? ready_tail_->next_ready : ready_head_) = &item;
  ready_tail_ = &item;
}

void loop::resume(std::coroutine_handle<> handle, task_node* node) {
  running_ = node;
  if (node) pulse_.run(node->name_, node->where_);
  else pulse_.run("no task", {});
  handle.resume();
}

void loop::drive(std::coroutine_handle<> first, task_node& node, const bool& done) {
  auto* outer = std::exchange(current_loop, this);
  ATRIUM_ASSERT(outer == nullptr, "loop::run is not called from inside a task");
  struct reset {
    loop& self;
    ~reset() {
      self.pulse_.sleep();
      self.running_ = nullptr;
      current_loop = nullptr;
    }
  } restore{*this};
  now_ = clock::now();
  pulse_.begin_turn(now_);
  inline_budget_ = inline_budget;
  resume(first, &node);
  while (!done) simulation_ ? turn_simulated(done) : turn(done);
  run_deferred();  // what tasks put off (a session's flush) must not be left behind
}

void deferred_call::unlink() noexcept {
  if (!next_) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

void loop::defer(deferred_call& call) noexcept {
  if (call.pending()) return;
  call.previous_ = deferred_.previous_;
  call.next_ = &deferred_;
  call.previous_->next_ = deferred_.previous_ = &call;
}

void loop::run_deferred() noexcept {
  while (deferred_.next_ != &deferred_) {
    auto& call = *deferred_.next_;
    call.unlink();
    call.run_(call);
  }
}

bool loop::has_posted() const noexcept { return state_->has_posted.load(std::memory_order_seq_cst); }

void loop::run_posted() {
  if (!state_->has_posted.exchange(false, std::memory_order_seq_cst)) return;
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard lock(state_->mutex);
    batch.swap(state_->posted);
  }
  for (auto& f : batch) f();
}

void loop::turn(const bool& done) {
  now_ = clock::now();
  const auto began = now_;
  pulse_.begin_turn(now_);
  pulse_.run("timers and posted functions", {});
  inline_budget_ = inline_budget;
  timers_.advance(now_);
  run_posted();
  int resumed = 0;
  for (; resumed < ready_budget && ready_head_; ++resumed) {
    auto* item = ready_head_;
    ready_head_ = item->next_ready;
    if (!ready_head_) ready_tail_ = nullptr;
    resume(*item);
  }
  running_ = nullptr;
  run_deferred();
  const auto ended = clock::now();
  const auto due_before = std::exchange(due_, time_point::max());
  meter_.turn(ended - std::min(began, due_before), resumed);
  if (due_before < began - stall_limit_) [[unlikely]]
    report_late(began - due_before);
  if (ended - began > stall_limit_) [[unlikely]]
    report_stall(ended - began, resumed);
  if (ended >= meter_.next_publication()) meter_.publish(ended);
  if (ready_head_ || done) return backend_->wait(duration::zero());
  const auto due = due_ = timers_.next_due();
  pulse_.sleep();
  state_->asleep.store(true, std::memory_order_seq_cst);
  // The flag is up: whoever posts from now on wakes us. What was posted before is seen here.
  if (state_->has_posted.load(std::memory_order_seq_cst)) backend_->wait(duration::zero());
  else if (due == time_point::max()) backend_->wait(duration(-1));
  else backend_->wait(due > ended ? due - ended : duration::zero());
  state_->asleep.store(false, std::memory_order_relaxed);
}

/// The turn is over. Who it was is known when only one task ran in it, or when a stall_watch has looked.
void loop::report_stall(duration took, int resumed) {
  const auto last = pulse_.look();
  const auto seen = pulse_.accused();
  const bool known = seen.began == last.began || resumed == 1;
  const auto& who = seen.began == last.began ? seen : last;
  const char* name = known && who.name ? who.name : "unknown";
  metrics::get_counter("atrium_runtime_stalls_total", "Turns of a loop that took longer than the stall limit",
                       {{"task", name}})
      .add();
  if (now_ - stall_logged_ < between_stall_records) return;
  stall_logged_ = now_;
  log::warn(
      "loop stalled",
      {{"ms", ms(took)}, {"task", name}, {"place", known ? place_of(who.where) : ""}, {"tasks_resumed", resumed}});
}

/// Nobody held the loop, and yet it came late: the process was stopped, or the machine had no time for it.
void loop::report_late(duration by) {
  static auto& late = metrics::get_counter("atrium_runtime_late_wakes_total",
                                           "Wakes for a timer that came later than it by more than the stall limit");
  late.add();
  if (now_ - stall_logged_ < between_stall_records) return;
  stall_logged_ = now_;
  log::warn("loop woke late", {{"ms", ms(by)}});
}

void loop::publish_metrics() noexcept {
  meter_.publish(clock::now());
  static auto& timers = metrics::get_gauge("atrium_runtime_timers", "Timers that are armed");
  static auto& tasks = metrics::get_gauge("atrium_runtime_tasks", "Tasks that are alive");
  timers.set(static_cast<std::int64_t>(timers_.count()));
  std::int64_t count = 0;
  for (const auto* n = nodes_; n; n = n->next_) ++count;
  tasks.set(count);
}

std::vector<task_info> loop::tasks() const {
  std::vector<task_info> out;
  const auto now = clock::now();
  // Quadratic in the worst case; a diagnostic of some thousand tasks at most.
  const auto visit = [&](const auto& self, const task_node* parent, unsigned depth) -> void {
    for (const auto* n = nodes_; n; n = n->next_) {
      if (n->parent() != parent) continue;
      out.push_back({n->name(), place_of(n->where()), n->waiting() ? n->waiting()->what() : "running",
                     now - n->started(), depth, n->trace()});
      self(self, n, depth + 1);
    }
  };
  visit(visit, nullptr, 0);
  return out;
}

}  // namespace atrium::rt
