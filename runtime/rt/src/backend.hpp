// What a loop needs of the kernel: wait for I/O and be woken by other threads. Two of them, with the same semantics.
#pragma once

#include <memory>

#include "atrium/rt/io.hpp"

namespace atrium::rt::detail {

class backend {
 public:
  virtual ~backend() = default;
  /// The operation's system call would block: complete() it when it is done. It stays in place until then.
  virtual void start(io_op&) noexcept = 0;
  /// Asks to end it early; complete() still comes, with -ECANCELED or the result that won the race.
  virtual void cancel(io_op&) noexcept = 0;
  /// Completes what is ready; sleeps until something is, at most `limit` (negative: without limit).
  virtual void wait(duration limit) noexcept = 0;
  /// Ends a wait() of another thread, or makes the next one return at once. Any thread.
  virtual void wake() noexcept = 0;
  virtual void forget(int fd) noexcept = 0;
};

std::unique_ptr<backend> make_epoll_backend();
/// Null when the kernel refuses; `reason` then says why.
std::unique_ptr<backend> make_uring_backend(std::string& reason);

}  // namespace atrium::rt::detail
