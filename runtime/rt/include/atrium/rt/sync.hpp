/// @file sync.hpp - event, mutex, semaphore and channel between tasks of one loop. Layer: rt.
/// No atomics: between threads use loop::post. Waiters are served in order of arrival (FIFO).
/// Every wait: @thread the loop's  @resumes through the ready queue, never inline  @cancel no side effect
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "atrium/rt/scope.hpp"

namespace atrium::rt {

namespace detail {
class wait_queue;

/// A task in a wait_queue. Granted by wake_one(); taken out by cancellation.
class waiter : public suspended_op {
 public:
  waiter(wait_queue& queue, const char* what) noexcept : suspended_op(what), queue_(&queue) {}
  bool await_ready() const noexcept { return false; }
  template <task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    return begin(h.promise().node, h);
  }
  void await_resume() const { throw_if_cancelled(); }
  void request_cancel() noexcept override;

 private:
  friend class wait_queue;
  bool begin(task_node* node, std::coroutine_handle<> h) noexcept;
  wait_queue* queue_;
  waiter *previous_ = nullptr, *next_ = nullptr;
};

class wait_queue {
 public:
  wait_queue() = default;
  wait_queue(const wait_queue&) = delete;
  ~wait_queue() { ATRIUM_ASSERT(!head_, "nobody waits on a thing that is destroyed"); }
  bool empty() const noexcept { return !head_; }
  bool wake_one() noexcept;
  void wake_all() noexcept {
    while (wake_one()) {
    }
  }
  waiter wait(const char* what) noexcept { return waiter(*this, what); }

 private:
  friend class waiter;
  waiter *head_ = nullptr, *tail_ = nullptr;
};
}  // namespace detail

/// Manual-reset event.
class event {
 public:
  bool is_set() const noexcept { return set_; }
  void set() noexcept {
    set_ = true;
    waiters_.wake_all();
  }
  void reset() noexcept { set_ = false; }
  /// Returns at once when set; else waits for set(). A later reset() does not call back who was woken.
  task<void> wait() {
    if (!set_) co_await waiters_.wait("event");
  }
  /// wait(), at most for `limit`: whether it was set meanwhile.
  task<bool> wait_for(duration limit) { return in_time(limit, wait()); }

 private:
  bool set_ = false;
  detail::wait_queue waiters_;
};

/// Level-triggered change signal: wait() returns after the next notify_all(). Re-check your condition in a loop.
class condition {
 public:
  void notify_all() noexcept { waiters_.wake_all(); }
  detail::waiter wait() noexcept { return waiters_.wait("condition"); }
  /// wait(), at most for `limit`: whether it was notified meanwhile.
  task<bool> wait_for(duration limit) { return in_time(limit, notified()); }

 private:
  task<void> notified() { co_await wait(); }
  detail::wait_queue waiters_;
};

/// Counting semaphore. acquire() waits until a unit is free; release() hands it to the first waiter.
class semaphore {
 public:
  explicit semaphore(std::size_t units) noexcept : units_(units) {}
  bool try_acquire() noexcept { return units_ > 0 && (--units_, true); }
  task<void> acquire();
  void release() noexcept;
  std::size_t available() const noexcept { return units_; }

 private:
  std::size_t units_;
  detail::wait_queue waiters_;
};

/// Held by whoever owns the guard: `auto guard = co_await m.lock();`
class mutex {
 public:
  class guard {
   public:
    explicit guard(mutex& m) noexcept : mutex_(&m) {}
    guard(guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
      std::swap(mutex_, other.mutex_);
      return *this;
    }
    ~guard() {
      if (mutex_) mutex_->units_.release();
    }

   private:
    mutex* mutex_;
  };
  task<guard> lock() {
    co_await units_.acquire();
    co_return guard(*this);
  }

 private:
  semaphore units_{1};
};

/// Bounded queue between tasks. After close(), send fails and receive drains what is left, then gives nullopt.
template <class T>
class channel {
 public:
  explicit channel(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// Waits while full. False when the channel is (or gets) closed: the value is dropped.
  task<bool> send(T value) {
    while (!closed_ && items_.size() >= capacity_) co_await space_.wait("channel.send");
    if (closed_) co_return false;
    items_.push_back(std::move(value));
    filled_.wake_one();
    co_return true;
  }
  /// Never waits. False when full or closed.
  bool try_send(T value) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    filled_.wake_one();
    return true;
  }
  /// Waits while empty and open.
  task<std::optional<T>> receive() {
    while (items_.empty() && !closed_) co_await filled_.wait("channel.receive");
    co_return take();
  }
  std::optional<T> try_receive() { return take(); }
  void close() noexcept {
    closed_ = true;
    space_.wake_all();
    filled_.wake_all();
  }
  bool closed() const noexcept { return closed_; }
  std::size_t size() const noexcept { return items_.size(); }

 private:
  std::optional<T> take() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    space_.wake_one();
    if (!items_.empty()) filled_.wake_one();
    return value;
  }
  std::size_t capacity_;
  bool closed_ = false;
  std::deque<T> items_;
  detail::wait_queue space_, filled_;
};

}  // namespace atrium::rt
