/// @file scope.hpp - structured concurrency: a scope joins the tasks it started. Layer: rt.
/// After: Nathaniel J. Smith, "Notes on structured concurrency", 2018; Trio's nurseries.
#pragma once

#include <functional>
#include <source_location>
#include <vector>

#include "atrium/rt/loop.hpp"

namespace atrium::rt {

/// Starts tasks and waits for them. The first child that fails (other than by cancellation) cancels its siblings, and
/// join() rethrows its exception. Must be joined before it is destroyed (asserted): use with_scope where you can.
class scope {
 public:
  /// Children are shown under `parent` in the task tree (null: at the root).
  explicit scope(task_node* parent = nullptr) noexcept : parent_(parent) {}
  ~scope();
  scope(const scope&) = delete;

  /// Starts `body` in the loop's next turn. `name` is a constant shown in the task tree.
  /// A child spawned into a cancelled scope starts cancelled. The loop's thread only.
  void spawn(task<void> body, const char* name, std::source_location where = std::source_location::current());

  /// Asks all children, now and later, to stop. Does not wait.
  void cancel(cancel_reason) noexcept;

  /// Waits until every child has ended; then rethrows the first failure.
  /// @cancel cancels the children with the same reason and still waits for them; then throws failure(cancelled).
  task<void> join();

  std::size_t size() const noexcept { return children_.size(); }

 private:
  class joiner;
  detail::root run_child(task<void> body, task_node& node);
  void child_ended(task_node&, std::exception_ptr) noexcept;

  task_node* parent_;
  std::vector<task_node*> children_;
  cancel_reason cancelled_ = cancel_reason::none;
  std::exception_ptr first_failure_;
  joiner* waiting_ = nullptr;
};

/// Calls `body(scope)`, a coroutine, then joins the scope, whatever happened. If `body` throws, the children are
/// cancelled first. The closure lives until the join is done, so children may use its captures by reference.
template <class Body>
task<void> with_scope(Body body) {
  scope s(&co_await this_task());
  std::exception_ptr failed;
  try {
    co_await body(s);
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed) s.cancel(cancel_reason::sibling_failed);
  try {
    co_await s.join();
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  if (failed) std::rethrow_exception(failed);
}

/// Suspends for `d`. @cancel ends at once with failure(cancelled).
task<void> sleep_for(duration d);
task<void> sleep_until(time_point when);

/// Lets every other ready task run first, then the loop look for I/O, timers and posted functions.
task<void> yield();

namespace detail {
/// Fires a cancel_region when its time comes.
class deadline_region : public cancel_region {
 public:
  deadline_region(task_node& node, time_point when) noexcept;

 private:
  struct entry : timer_entry {
    explicit entry(deadline_region& r) noexcept;
    deadline_region& region;
  };
  entry entry_;
};
[[noreturn]] void throw_timed_out(duration limit);
}  // namespace detail

/// Awaits `body`, at most for `limit`; then cancels it (reason deadline), waits until it has unwound and throws
/// failure(timed_out). A result that came in the meantime is returned.
template <class T>
task<T> with_timeout(duration limit, task<T> body) {
  auto& node = co_await this_task();
  detail::deadline_region region(node, node.owner().now() + limit);
  try {
    co_return co_await std::move(body);
  } catch (const failure& f) {
    if (f.disposition() != disposition::cancelled || !region.fired()) throw;
  }
  detail::throw_timed_out(limit);
}

/// The same where running out of time is no error: whether `body` ended by itself within `limit`. Its result is
/// dropped.
template <class T>
task<bool> in_time(duration limit, task<T> body) {
  auto& node = co_await this_task();
  detail::deadline_region region(node, node.owner().now() + limit);
  try {
    co_await std::move(body);
    co_return true;
  } catch (const failure& f) {
    if (f.disposition() != disposition::cancelled || !region.fired()) throw;
  }
  co_return false;
}

/// Awaits `body` deaf to cancellation from outside: for clean-up that must finish. Give it a timeout of its own.
template <class T>
task<T> shield(task<T> body) {
  cancel_region region(co_await this_task(), true);
  co_return co_await std::move(body);
}

/// Awaits all tasks at once; the first failure cancels the others and is rethrown.
template <class... Tasks>
task<void> all(Tasks... tasks) {
  scope s(&co_await this_task());
  (s.spawn(std::move(tasks), "all"), ...);
  co_await s.join();
}

}  // namespace atrium::rt
