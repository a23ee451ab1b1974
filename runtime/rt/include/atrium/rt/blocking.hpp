/// @file blocking.hpp - work that blocks or computes long (files, password hashing, getaddrinfo) on a small pool of
/// threads. Layer: rt.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>

#include "atrium/rt/loop.hpp"

namespace atrium::rt {

namespace detail {
/// Runs `work` on a pool thread, then resumes.
class blocking_op : public suspended_op {
 public:
  explicit blocking_op(std::function<void()> work) noexcept : suspended_op("blocking"), work_(std::move(work)) {}
  bool await_ready() const noexcept { return false; }
  template <task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    return begin(h.promise().node, h);
  }
  void await_resume() const;
  void request_cancel() noexcept override {}  // a system call in another thread cannot be taken back

 private:
  bool begin(task_node* node, std::coroutine_handle<> h);
  void run() noexcept;
  std::function<void()> work_;
  std::exception_ptr failed_;
};
}  // namespace detail

/// Runs `f()` on the pool and gives its result; what it throws is rethrown here. Up to four threads a process.
/// @cancel too late once started: the await ends when `f` has ended. A cancelled task does not start it.
template <class F>
task<std::invoke_result_t<F>> blocking(F f) {
  using T = std::invoke_result_t<F>;
  if constexpr (std::is_void_v<T>) {
    co_await detail::blocking_op([&f] { f(); });
  } else {
    std::optional<T> out;
    co_await detail::blocking_op([&f, &out] { out.emplace(f()); });
    co_return std::move(*out);
  }
}

/// Whole file as text. @errors not_found, denied; overloaded when larger than `limit` bytes
task<std::string> read_file(std::string path, std::size_t limit = 64u << 20);
/// Writes beside and renames over, so that readers see the old or the new content. `mode` as of open(2).
task<void> write_file(std::string path, std::string content, unsigned mode = 0644);

}  // namespace atrium::rt
