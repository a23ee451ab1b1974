/// @file task_node.hpp - one spawned task: its place in the task tree, its cancellation, what it waits for. Layer: rt.
#pragma once

#include <coroutine>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "atrium/base/error.hpp"
#include "atrium/base/trace.hpp"
#include "atrium/rt/clock.hpp"

namespace atrium::rt {

class loop;
class task_node;

/// Why a task was asked to stop. Carried by the failure(cancelled) that its operations throw (error code
/// "cancel.<reason>").
enum class cancel_reason : std::uint8_t { none, requested, deadline, shutdown, sibling_failed, disconnected, revoked };
std::string_view to_string(cancel_reason) noexcept;

namespace detail {

/// Something that can stand in a loop's ready queue.
struct ready_item {
  std::coroutine_handle<> handle;
  ready_item* next_ready = nullptr;
  task_node* node_ = nullptr;  ///< the task that goes on; null: work of no task
};

/// The operation at the leaf of a suspended task. Lives in the awaiting coroutine's frame.
class suspended_op : public ready_item {
 public:
  /// Asks the operation to end early. It still resumes its task exactly once, through the ready queue.
  virtual void request_cancel() noexcept = 0;
  const char* what() const noexcept { return what_; }
  task_node* node() const noexcept { return node_; }

 protected:
  explicit suspended_op(const char* what) noexcept : what_(what) {}
  suspended_op(const suspended_op&) = delete;
  ~suspended_op() = default;

  /// First line of every await_suspend: false when the task is cancelled (then return false; await_resume must call
  /// throw_if_cancelled()).
  bool enter(task_node* node, std::coroutine_handle<> h) noexcept;
  /// The task sleeps on this from now on.
  void suspend() noexcept;
  /// Puts the task into its loop's ready queue. Exactly once after suspend().
  void wake() noexcept;
  void throw_if_cancelled() const;

  const char* what_;
  cancel_reason cancelled_ = cancel_reason::none;
};

struct cancel_frame {
  cancel_frame* outer = nullptr;
  cancel_reason fired = cancel_reason::none;
  bool shield = false;
};

}  // namespace detail

/// A node of the live task tree. Made by scope::spawn and loop::run; used through `co_await this_task()`.
class task_node {
 public:
  task_node(loop& owner, task_node* parent, const char* name, std::source_location where) noexcept;
  ~task_node();
  task_node(const task_node&) = delete;

  loop& owner() const noexcept { return owner_; }
  task_node* parent() const noexcept { return parent_; }
  const char* name() const noexcept { return name_; }
  const std::source_location& where() const noexcept { return where_; }
  time_point started() const noexcept { return started_; }
  const detail::suspended_op* waiting() const noexcept { return waiting_; }

  /// What this task works for: the trace id that its log records have and that it sends along. A task starts with that
  /// of the task that spawned it. See trace_region. On the loop's thread.
  trace::id trace() const noexcept { return trace_; }
  void set_trace(trace::id t) noexcept { trace_ = t; }

  /// Asks the whole spawned task to stop: its current and every later operation throws failure(cancelled), except
  /// inside shield(). The first reason stays. On the loop's thread.
  void cancel(cancel_reason) noexcept;
  /// The reason in force here and now, or none.
  cancel_reason cancelled() const noexcept;

 private:
  friend class detail::suspended_op;
  friend class cancel_region;
  friend class loop;
  void fire(detail::cancel_frame&, cancel_reason) noexcept;

  loop& owner_;
  task_node* parent_;
  const char* name_;
  std::source_location where_;
  time_point started_;
  trace::id trace_;
  detail::suspended_op* waiting_ = nullptr;
  detail::cancel_frame base_;
  detail::cancel_frame* top_ = &base_;
  task_node *previous_ = nullptr, *next_ = nullptr;  // all nodes of the loop
};

/// A stretch of a task's code that works for another trace id than what is around it: one request on a connection, one
/// key of a work queue; or for none (a default id): a long-lived task that happens to be started by a request.
///   rt::trace_region traced(co_await rt::this_task(), id);
class trace_region {
 public:
  trace_region(task_node& node, trace::id t) noexcept : node_(node), before_(node.trace()) { node.set_trace(t); }
  ~trace_region() { node_.set_trace(before_); }
  trace_region(const trace_region&) = delete;

 private:
  task_node& node_;
  trace::id before_;
};

/// A stretch of a task's code with a cancellation of its own, strictly nested. Building block of with_timeout and
/// shield.
class cancel_region {
 public:
  explicit cancel_region(task_node& node, bool shield = false) noexcept;
  ~cancel_region();
  cancel_region(const cancel_region&) = delete;
  void cancel(cancel_reason) noexcept;
  bool fired() const noexcept { return frame_.fired != cancel_reason::none; }

 private:
  task_node& node_;
  detail::cancel_frame frame_;
};

}  // namespace atrium::rt
