#include "atrium/rt/loop.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "backend.hpp"
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
constexpr auto stall_limit = std::chrono::milliseconds(100);

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

void loop::drive(std::coroutine_handle<> first, const bool& done) {
  auto* outer = std::exchange(current_loop, this);
  ATRIUM_ASSERT(outer == nullptr, "loop::run is not called from inside a task");
  struct reset {
    ~reset() { current_loop = nullptr; }
  } restore;
  now_ = clock::now();
  inline_budget_ = inline_budget;
  first.resume();
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
  static auto& stalls =
      metrics::get_counter("atrium_runtime_stalls_total", "Turns of a loop that took longer than 100 ms");
  now_ = clock::now();
  const auto began = now_;
  inline_budget_ = inline_budget;
  timers_.advance(now_);
  run_posted();
  for (int i = 0; i < ready_budget && ready_head_; ++i) {
    auto* item = ready_head_;
    ready_head_ = item->next_ready;
    if (!ready_head_) ready_tail_ = nullptr;
    item->handle.resume();
  }
  run_deferred();
  const auto ended = clock::now();
  if (ended - began > stall_limit) {
    stalls.add();
    log::warn("loop stalled", {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(ended - began).count()}});
  }
  if (ready_head_ || done) return backend_->wait(duration::zero());
  const auto due = timers_.next_due();
  state_->asleep.store(true, std::memory_order_seq_cst);
  // The flag is up: whoever posts from now on wakes us. What was posted before is seen here.
  if (state_->has_posted.load(std::memory_order_seq_cst)) backend_->wait(duration::zero());
  else if (due == time_point::max()) backend_->wait(duration(-1));
  else backend_->wait(due > ended ? due - ended : duration::zero());
  state_->asleep.store(false, std::memory_order_relaxed);
}

std::vector<task_info> loop::tasks() const {
  std::vector<task_info> out;
  const auto now = clock::now();
  // Quadratic in the worst case; a diagnostic of some thousand tasks at most.
  const auto visit = [&](const auto& self, const task_node* parent, unsigned depth) -> void {
    for (const auto* n = nodes_; n; n = n->next_) {
      if (n->parent() != parent) continue;
      const char* file = std::strrchr(n->where().file_name(), '/');
      out.push_back({n->name(),
                     std::string(file ? file + 1 : n->where().file_name()) + ":" + std::to_string(n->where().line()),
                     n->waiting() ? n->waiting()->what() : "running", now - n->started(), depth});
      self(self, n, depth + 1);
    }
  };
  visit(visit, nullptr, 0);
  return out;
}

}  // namespace atrium::rt
