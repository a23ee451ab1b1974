#include "atrium/rt/scope.hpp"

#include <optional>

namespace atrium::rt {

/// Waits for a scope to become empty; a cancellation goes to the children, the wait goes on.
class scope::joiner final : public detail::suspended_op {
 public:
  explicit joiner(scope& s) noexcept : suspended_op("scope.join"), scope_(s) {}
  bool await_ready() const noexcept { return false; }
  template <detail::task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    if (!enter(h.promise().node, h)) scope_.cancel(cancelled_);
    if (scope_.children_.empty()) return false;
    scope_.waiting_ = this;
    suspend();
    return true;
  }
  void await_resume() const noexcept {}
  void request_cancel() noexcept override {
    cancelled_ = node()->cancelled();
    scope_.cancel(cancelled_);
  }
  void children_gone() noexcept { wake(); }
  void check() const { throw_if_cancelled(); }

 private:
  scope& scope_;
};

namespace {
/// A spawned child: its node, and its first run in the ready queue.
struct child : task_node, detail::ready_item {
  using task_node::task_node;
  std::size_t place = 0;  ///< in its scope's list
};
}  // namespace

scope::~scope() { ATRIUM_ASSERT(children_.empty(), "a scope is joined before it is destroyed"); }

void scope::spawn(task<void> body, const char* name, std::source_location where) {
  auto& l = loop::current();
  auto* c = new child(l, parent_, name, where);
  c->place = children_.size();
  children_.push_back(c);
  auto r = run_child(std::move(body), *c);
  r.handle.promise().node = c;
  c->handle = r.handle;
  c->node_ = c;
  if (cancelled_ != cancel_reason::none) c->cancel(cancelled_);
  l.schedule(*c);
}

detail::root scope::run_child(task<void> body, task_node& node) {
  std::exception_ptr failed;
  try {
    co_await std::move(body);
  } catch (const failure& f) {
    // Being cancelled is how a cancelled child ends; anything else is news.
    if (f.disposition() != disposition::cancelled || node.cancelled() == cancel_reason::none)
      failed = std::current_exception();
  } catch (...) {
    failed = std::current_exception();
  }
  {
    auto finished = std::move(body);
  }  // destroy the child's frame (and its locals) before the scope hears of the end
  child_ended(node, failed);
}

void scope::child_ended(task_node& node, std::exception_ptr failed) noexcept {
  auto* ended = static_cast<child*>(&node);
  static_cast<child*>(children_.back())->place = ended->place;  // the last one takes over its place
  children_[ended->place] = children_.back();
  children_.pop_back();
  delete ended;
  if (failed) {
    if (!first_failure_) first_failure_ = failed;
    cancel(cancel_reason::sibling_failed);
  }
  if (children_.empty() && waiting_) std::exchange(waiting_, nullptr)->children_gone();
}

void scope::cancel(cancel_reason r) noexcept {
  if (cancelled_ == cancel_reason::none) cancelled_ = r;
  for (auto* c : children_) c->cancel(r);
}

task<void> scope::join() {
  std::optional<joiner> last;
  do {  // again when a child was spawned between the end of the last one and our turn
    last.emplace(*this);
    co_await *last;
  } while (!children_.empty());
  if (first_failure_) std::rethrow_exception(std::exchange(first_failure_, nullptr));
  last->check();
}

namespace {

class sleep_op : public detail::suspended_op {
 public:
  explicit sleep_op(time_point when) noexcept : suspended_op("sleep"), when_(when), entry_(*this) {}
  bool await_ready() const noexcept { return false; }
  template <detail::task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    if (!enter(h.promise().node, h)) return false;
    suspend();
    node()->owner().timers().arm(entry_, when_);
    return true;
  }
  void await_resume() const { throw_if_cancelled(); }
  void request_cancel() noexcept override {
    cancelled_ = node()->cancelled();
    node()->owner().timers().cancel(entry_);
    wake();
  }

 private:
  struct entry : timer_entry {
    explicit entry(sleep_op& o) noexcept
        : timer_entry([](timer_entry& e) noexcept { static_cast<entry&>(e).op.wake(); }), op(o) {}
    sleep_op& op;
  };
  time_point when_;
  entry entry_;
};

/// Ready again when the turn is over: the next one begins with asking the kernel.
class yield_op : public detail::suspended_op {
 public:
  yield_op() noexcept : suspended_op("yield"), turn_over_(*this) {}
  bool await_ready() const noexcept { return false; }
  template <detail::task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    if (!enter(h.promise().node, h)) return false;
    suspend();
    node()->owner().defer(turn_over_);
    return true;
  }
  void await_resume() const { throw_if_cancelled(); }
  void request_cancel() noexcept override {}  // already on its way

 private:
  struct call : deferred_call {
    explicit call(yield_op& o) noexcept
        : deferred_call([](deferred_call& c) noexcept { static_cast<call&>(c).op.wake(); }), op(o) {}
    yield_op& op;
  };
  call turn_over_;
};

}  // namespace

task<void> sleep_until(time_point when) { co_await sleep_op(when); }
task<void> sleep_for(duration d) { co_await sleep_op(clock::now() + d); }
task<void> yield() { co_await yield_op(); }

namespace detail {

deadline_region::deadline_region(task_node& node, time_point when) noexcept : cancel_region(node), entry_(*this) {
  node.owner().timers().arm(entry_, when);
}

deadline_region::entry::entry(deadline_region& r) noexcept
    : timer_entry([](timer_entry& e) noexcept { static_cast<entry&>(e).region.cancel(cancel_reason::deadline); }),
      region(r) {}

void throw_timed_out(duration limit) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  throw failure(error(disposition::timed_out, "It took longer than " + std::to_string(ms) + " ms and was stopped."));
}

}  // namespace detail
}  // namespace atrium::rt
