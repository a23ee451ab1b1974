/// @file task.hpp - task<T>: a lazy coroutine that hands control over by symmetric transfer. Layer: rt.
///
/// A task starts when it is awaited and is awaited once. A chain of tasks awaiting each other is one *spawned task*
/// (task_node): it has a name, one cancellation state, and at any moment at most one operation that it is suspended on.
/// Everything of one loop runs on the loop's thread; nothing here locks.
///
/// Lifetimes: a coroutine's reference parameters must outlive the co_await of its task. A lambda coroutine's captures
/// live in the closure, not in the frame: await it while the closure lives (with_scope keeps its closure alive).
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "atrium/base/assert.hpp"
#include "atrium/rt/task_node.hpp"

namespace atrium::rt {

template <class T = void>
class task;

namespace detail {

/// Frames come from per-thread free lists by size class, so creating a child task costs no malloc in steady state.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct promise_base {
  std::coroutine_handle<> continuation;
  task_node* node = nullptr;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct final_awaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return h.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  final_awaiter final_suspend() noexcept { return {}; }
};

template <class Promise>
concept task_promise = std::derived_from<Promise, promise_base>;

template <class T>
struct promise final : promise_base {
  std::optional<T> value;
  std::exception_ptr exception;
  task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct promise<void> final : promise_base {
  std::exception_ptr exception;
  task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

/// Owns a coroutine that has not finished. Move-only. Destroying a task that was never awaited destroys its frame.
template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::promise<T>;

  task() noexcept = default;
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Runs the coroutine on the awaiting task's loop, in its cancellation state; gives its value or rethrows.
  auto operator co_await() && noexcept { return awaiter{handle_}; }
  auto operator co_await() & noexcept { return awaiter{handle_}; }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}

  struct awaiter {
    std::coroutine_handle<promise_type> handle;
    bool await_ready() const noexcept { return false; }
    template <detail::task_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
      ATRIUM_ASSERT(handle && !handle.done(), "a task is awaited once");
      handle.promise().continuation = parent;
      handle.promise().node = parent.promise().node;
      return handle;
    }
    T await_resume() { return handle.promise().take(); }
  };

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}

struct this_task_awaiter {
  task_node* node = nullptr;
  bool await_ready() const noexcept { return false; }
  template <task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    node = h.promise().node;
    return false;
  }
  task_node& await_resume() const noexcept { return *node; }
};
}  // namespace detail

/// `co_await this_task()`: the spawned task that this coroutine belongs to. Never suspends.
inline detail::this_task_awaiter this_task() noexcept { return {}; }

}  // namespace atrium::rt
