/// @file loop.hpp - the event loop: one a thread, one io_uring or epoll instance a loop. Layer: rt.
///
/// The backend is chosen when the loop is made: io_uring when the kernel grants a ring, else epoll (container runtimes'
/// default seccomp profile forbids io_uring). ATRIUM_RUNTIME_BACKEND=epoll|io_uring forces one. The choice is logged
/// once and exported as atrium_runtime_backend{kind}. Both have the same semantics; every test of rt and net runs on
/// both.
#pragma once

#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "atrium/rt/loop_meter.hpp"
#include "atrium/rt/loop_pulse.hpp"
#include "atrium/rt/task.hpp"
#include "atrium/rt/timer.hpp"

namespace atrium::rt {

namespace detail {
class backend;
class io_op;
class simulated_kernel;
struct loop_state;
}  // namespace detail

enum class backend_kind : std::uint8_t { automatic, io_uring, epoll, simulated };

/// One line of the live task tree.
struct task_info {
  std::string name, place, waiting_for;  ///< place is file:line
  duration age;
  unsigned depth;
  trace::id trace;
};

/// Something to do once when the tasks that are ready have run, before the loop waits: what many of them add to (an
/// output queue) is then handled once. Intrusive; taken back by its destructor. @thread the loop's
class deferred_call {
 public:
  using callback = void (*)(deferred_call&) noexcept;
  explicit deferred_call(callback run) noexcept : run_(run) {}
  ~deferred_call() { unlink(); }
  deferred_call(const deferred_call&) = delete;
  bool pending() const noexcept { return next_ != nullptr; }
  void unlink() noexcept;

 private:
  friend class loop;
  deferred_call() noexcept = default;
  callback run_ = nullptr;
  deferred_call *previous_ = nullptr, *next_ = nullptr;
};

class loop {
 public:
  /// @errors failure(unimplemented) when io_uring is forced (by argument or environment) and refused by the kernel.
  explicit loop(backend_kind = backend_kind::automatic);
  /// A loop of a simulation: see atrium/sim/simulation.hpp, which makes it.
  explicit loop(std::unique_ptr<detail::simulated_kernel>);
  /// All scopes must have been joined. Unrun posted functions are destroyed without being run.
  ~loop();
  loop(const loop&) = delete;

  /// The loop whose run() is on this thread's stack; asserts that there is one.
  static loop& current() noexcept;

  /// Runs `body` as the root task until it is done. Call from the owning thread, not from inside a task.
  template <class T>
  T run(task<T> body, const char* name = "main", std::source_location where = std::source_location::current());

  /// Runs `f` on the loop's thread in its next turn. Any thread; wakes a sleeping loop. `f` must not throw.
  void post(std::function<void()> f);

  /// Runs `call` in this turn; nothing when it is pending already.
  void defer(deferred_call& call) noexcept;

  /// Time at the start of this turn: what timers compare with. The loop's thread.
  time_point now() const noexcept { return now_; }
  backend_kind backend() const noexcept { return kind_; }

  /// Snapshot of all spawned tasks, parents before children. The loop's thread.
  std::vector<task_info> tasks() const;
  /// The task whose code runs now; null outside of tasks (timers, posted functions). The loop's thread.
  task_node* running() const noexcept { return running_; }

  /// Brings this loop's metrics (lag, run queue, timers, tasks) up to date before they are shown. The loop's thread.
  void publish_metrics() noexcept;
  /// A turn that takes longer is logged as `loop stalled` and counted. 100 ms unless said otherwise.
  void set_stall_limit(duration limit) noexcept { stall_limit_ = limit; }

  // For operations; see detail/.
  void schedule(detail::ready_item& item) noexcept;
  detail::backend& io() noexcept { return *backend_; }
  timer_wheel& timers() noexcept { return timers_; }
  detail::loop_pulse& pulse() noexcept { return pulse_; }
  /// Limits how many operations of one turn may complete without suspending, so that no task starves the others.
  bool take_inline_budget() noexcept { return inline_budget_ > 0 && inline_budget_-- > 0; }

 private:
  friend class task_node;
  void drive(std::coroutine_handle<> first, task_node& node, const bool& done);
  void resume(std::coroutine_handle<>, task_node*);
  void resume(detail::ready_item& item) { resume(item.handle, item.node_); }
  void report_stall(duration took, int resumed);
  void report_late(duration by);
  void turn(const bool& done);
  void turn_simulated(const bool& done);
  void run_posted();
  void run_deferred() noexcept;
  bool has_posted() const noexcept;
  detail::ready_item* take_ready(std::size_t index) noexcept;

  backend_kind kind_;
  std::unique_ptr<detail::backend> backend_;
  detail::simulated_kernel* simulation_ = nullptr;
  std::unique_ptr<detail::loop_state> state_;
  timer_wheel timers_;
  time_point now_;
  int inline_budget_ = 0;
  detail::ready_item *ready_head_ = nullptr, *ready_tail_ = nullptr;
  task_node* nodes_ = nullptr;
  deferred_call deferred_;  // head of a ring
  task_node* running_ = nullptr;
  time_point due_ = time_point::max();  ///< when the first timer was due as the loop went to sleep
  duration stall_limit_ = std::chrono::milliseconds(100);
  time_point stall_logged_{};
  detail::loop_pulse pulse_;
  detail::loop_meter meter_;
};

namespace detail {
struct root {
  struct promise_type : promise_base {
    root get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

template <class T>
root run_root(task<T> body, std::optional<T>& out, std::exception_ptr& failed, bool& done) {
  try {
    out.emplace(co_await std::move(body));
  } catch (...) {
    failed = std::current_exception();
  }
  done = true;
}
root run_root(task<void> body, std::exception_ptr& failed, bool& done);
}  // namespace detail

template <class T>
T loop::run(task<T> body, const char* name, std::source_location where) {
  task_node node(*this, nullptr, name, where);
  std::exception_ptr failed;
  bool done = false;
  if constexpr (std::is_void_v<T>) {
    auto r = detail::run_root(std::move(body), failed, done);
    r.handle.promise().node = &node;
    drive(r.handle, node, done);
    if (failed) std::rethrow_exception(failed);
  } else {
    std::optional<T> out;
    auto r = detail::run_root<T>(std::move(body), out, failed, done);
    r.handle.promise().node = &node;
    drive(r.handle, node, done);
    if (failed) std::rethrow_exception(failed);
    return std::move(*out);
  }
}

}  // namespace atrium::rt
