/// @file context.hpp - an Asio execution context on a loop of ours: Asio, Beast and asio::ssl code runs on the loop's
/// thread. Layer: asio. For Boost 1.81 (Asio 1.26) alone: it stands on names of asio::detail, checked at compile time.
///
/// Asio starts a thread of its own for the first timer on a foreign context, because its timers ask the context for a
/// `scheduler`. Here the context brings one along that has no thread; the loop polls it. One loop stays one thread.
#pragma once

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/version.hpp>
#include <memory>

#include "atrium/rt/scope.hpp"

#if BOOST_VERSION != 108100
#error \
    "runtime/asio is written for Boost 1.81: check the names of asio::detail that context.cpp uses, then widen this test."
#endif

namespace atrium::asio {

/// Executes Asio's handlers on a loop. Give get_executor() to timers, streams, co_spawn, ...
class context : public boost::asio::execution_context {
 public:
  template <int Bits>
  class basic_executor;
  using executor_type = basic_executor<0>;

  /// @thread the loop's
  explicit context(rt::loop& owner);
  ~context();

  /// Runs handlers until cancelled. Spawn it in a scope before you await Asio operations:
  ///   s.spawn(context.run(), "asio");
  rt::task<void> run();

  executor_type get_executor() noexcept;
  rt::loop& owner() noexcept;
  /// Tasks that carry stream operations; joined by run().
  rt::scope& operations() noexcept;

 private:
  friend class context_access;
  struct state;
  std::unique_ptr<state> state_;
};

namespace detail {
void work_started(context&) noexcept;
void work_finished(context&) noexcept;
bool on_loop(context&) noexcept;
/// Queues a function object; any thread.
void post(context&, std::unique_ptr<void, void (*)(void*)> object, void (*call)(void*), bool continuation);
}  // namespace detail

/// The executor: a pointer. Properties it can be asked for: blocking never/possibly, relationship fork/continuation,
/// outstanding_work tracked/untracked, mapping thread. Copies never throw, as Asio demands.
template <int Bits>
class context::basic_executor {
  static constexpr int never = 1, continuation = 2, tracked = 4;

 public:
  explicit basic_executor(context& c) noexcept : context_(&c) { started(); }
  basic_executor(const basic_executor& o) noexcept : context_(o.context_) { started(); }
  basic_executor(basic_executor&& o) noexcept : context_(o.context_) {
    if constexpr (Bits & tracked) o.context_ = nullptr;
  }
  basic_executor& operator=(const basic_executor& o) noexcept {
    basic_executor copy(o);
    std::swap(context_, copy.context_);
    return *this;
  }
  ~basic_executor() {
    if constexpr (Bits & tracked)
      if (context_) detail::work_finished(*context_);
  }

  bool operator==(const basic_executor& o) const noexcept { return context_ == o.context_; }
  bool operator!=(const basic_executor& o) const noexcept { return context_ != o.context_; }

  context& query(boost::asio::execution::context_t) const noexcept { return *context_; }
  static constexpr auto query(boost::asio::execution::mapping_t) noexcept {
    return boost::asio::execution::mapping_t(boost::asio::execution::mapping.thread);
  }
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    if constexpr (Bits & never) return boost::asio::execution::blocking.never;
    else return boost::asio::execution::blocking.possibly;
  }
  static constexpr boost::asio::execution::relationship_t query(boost::asio::execution::relationship_t) noexcept {
    if constexpr (Bits & continuation) return boost::asio::execution::relationship.continuation;
    else return boost::asio::execution::relationship.fork;
  }
  static constexpr boost::asio::execution::outstanding_work_t query(
      boost::asio::execution::outstanding_work_t) noexcept {
    if constexpr (Bits & tracked) return boost::asio::execution::outstanding_work.tracked;
    else return boost::asio::execution::outstanding_work.untracked;
  }
  auto require(boost::asio::execution::blocking_t::never_t) const noexcept {
    return basic_executor<(Bits | never)>(*context_);
  }
  auto require(boost::asio::execution::blocking_t::possibly_t) const noexcept {
    return basic_executor<(Bits & ~never)>(*context_);
  }
  auto require(boost::asio::execution::relationship_t::continuation_t) const noexcept {
    return basic_executor<(Bits | continuation)>(*context_);
  }
  auto require(boost::asio::execution::relationship_t::fork_t) const noexcept {
    return basic_executor<(Bits & ~continuation)>(*context_);
  }
  auto require(boost::asio::execution::outstanding_work_t::tracked_t) const noexcept {
    return basic_executor<(Bits | tracked)>(*context_);
  }
  auto require(boost::asio::execution::outstanding_work_t::untracked_t) const noexcept {
    return basic_executor<(Bits & ~tracked)>(*context_);
  }

  template <class Function>
  void execute(Function&& f) const {
    using function = std::decay_t<Function>;
    if constexpr (!(Bits & never)) {
      if (detail::on_loop(*context_)) {
        function now(std::forward<Function>(f));
        now();
        return;
      }
    }
    std::unique_ptr<void, void (*)(void*)> object(new function(std::forward<Function>(f)),
                                                  [](void* p) { delete static_cast<function*>(p); });
    detail::post(
        *context_, std::move(object), [](void* p) { std::move (*static_cast<function*>(p))(); },
        (Bits & continuation) != 0);
  }

 private:
  void started() const noexcept {
    if constexpr (Bits & tracked)
      if (context_) detail::work_started(*context_);
  }
  context* context_;
};

using executor = context::executor_type;

}  // namespace atrium::asio
