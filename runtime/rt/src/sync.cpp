#include "atrium/rt/sync.hpp"

namespace atrium::rt {

namespace detail {

bool waiter::begin(task_node* node, std::coroutine_handle<> h) noexcept {
  if (!enter(node, h)) return false;
  previous_ = queue_->tail_;
  (queue_->tail_ ? queue_->tail_->next_ : queue_->head_) = this;
  queue_->tail_ = this;
  suspend();
  return true;
}

void waiter::request_cancel() noexcept {
  cancelled_ = node()->cancelled();
  (previous_ ? previous_->next_ : queue_->head_) = next_;
  (next_ ? next_->previous_ : queue_->tail_) = previous_;
  wake();
}

bool wait_queue::wake_one() noexcept {
  auto* w = head_;
  if (!w) return false;
  head_ = w->next_;
  (head_ ? head_->previous_ : tail_) = nullptr;
  w->wake();
  return true;
}

}  // namespace detail

task<void> semaphore::acquire() {
  if (units_ > 0 && waiters_.empty()) {
    --units_;
    co_return;
  }
  co_await waiters_.wait("semaphore");  // release() handed the unit over
}

void semaphore::release() noexcept {
  if (!waiters_.wake_one()) ++units_;
}

}  // namespace atrium::rt
