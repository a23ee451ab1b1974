#include "atrium/rt/task_node.hpp"

#include "atrium/rt/loop.hpp"

namespace atrium::rt {

std::string_view to_string(cancel_reason r) noexcept {
  switch (r) {
    case cancel_reason::none:
      return "none";
    case cancel_reason::requested:
      return "requested";
    case cancel_reason::deadline:
      return "deadline";
    case cancel_reason::shutdown:
      return "shutdown";
    case cancel_reason::sibling_failed:
      return "sibling_failed";
    case cancel_reason::disconnected:
      return "disconnected";
    case cancel_reason::revoked:
      return "revoked";
  }
  return "none";
}

task_node::task_node(loop& owner, task_node* parent, const char* name, std::source_location where) noexcept
    : owner_(owner), parent_(parent), name_(name), where_(where), started_(clock::now()) {
  if (owner.running_) trace_ = owner.running_->trace_;
  next_ = owner.nodes_;
  if (next_) next_->previous_ = this;
  owner.nodes_ = this;
}

task_node::~task_node() {
  ATRIUM_ASSERT(top_ == &base_, "cancel regions end before their task");
  if (owner_.running_ == this) owner_.running_ = nullptr;
  if (previous_) previous_->next_ = next_;
  else owner_.nodes_ = next_;
  if (next_) next_->previous_ = previous_;
}

cancel_reason task_node::cancelled() const noexcept {
  for (const auto* f = top_; f; f = f->outer) {
    if (f->fired != cancel_reason::none) return f->fired;
    if (f->shield) break;
  }
  return cancel_reason::none;
}

void task_node::cancel(cancel_reason r) noexcept { fire(base_, r); }

void task_node::fire(detail::cancel_frame& frame, cancel_reason r) noexcept {
  if (frame.fired != cancel_reason::none) return;
  frame.fired = r;
  if (waiting_ && cancelled() != cancel_reason::none) waiting_->request_cancel();
}

cancel_region::cancel_region(task_node& node, bool shield) noexcept : node_(node) {
  frame_.outer = node.top_;
  frame_.shield = shield;
  node.top_ = &frame_;
}

cancel_region::~cancel_region() {
  ATRIUM_ASSERT(node_.top_ == &frame_, "cancel regions are strictly nested");
  node_.top_ = frame_.outer;
}

void cancel_region::cancel(cancel_reason r) noexcept { node_.fire(frame_, r); }

namespace detail {

bool suspended_op::enter(task_node* node, std::coroutine_handle<> h) noexcept {
  node_ = node;
  handle = h;
  cancelled_ = node->cancelled();
  return cancelled_ == cancel_reason::none;
}

void suspended_op::suspend() noexcept {
  ATRIUM_ASSERT(!node_->waiting_, "a task waits for one operation at a time");
  node_->waiting_ = this;
}

void suspended_op::wake() noexcept {
  ATRIUM_ASSERT(node_->waiting_ == this, "an operation resumes its task once");
  node_->waiting_ = nullptr;
  node_->owner().schedule(*this);
}

void suspended_op::throw_if_cancelled() const {
  if (cancelled_ == cancel_reason::none) return;
  throw failure(error(disposition::cancelled, "The operation was stopped before it finished.")
                    .with_code("cancel." + std::string(to_string(cancelled_))));
}

}  // namespace detail
}  // namespace atrium::rt
