// A backend that is the whole kernel of its loop: time, order, descriptors, sockets. Implemented by runtime/sim, not by
// rt. The real path pays one comparison of a descriptor's number an operation for it.
#pragma once

#include <functional>

#include "backend.hpp"

namespace atrium::rt::detail {

/// Numbers that no real descriptor has.
inline constexpr int first_simulated_fd = 1 << 28;
inline bool is_simulated(int fd) noexcept { return fd >= first_simulated_fd; }

/// Descriptors are its own; functions that can fail give -errno.
class simulated_kernel : public backend {
 public:
  virtual long attempt(io_op&) noexcept = 0;
  virtual long open_socket(int family) noexcept = 0;
  virtual long connect(int fd, const endpoint& to) noexcept = 0;  ///< -EINPROGRESS, or -EAGAIN as a Unix socket's
  virtual long listen(int fd, const endpoint& at, int backlog) noexcept = 0;
  virtual std::pair<int, int> open_pair() noexcept = 0;
  virtual long peek(int fd) noexcept = 0;  ///< readable bytes, 0 at end of stream
  virtual void shutdown(int fd, int how) noexcept = 0;
  virtual void close(int fd) noexcept = 0;
  virtual endpoint local(int fd) const = 0;
  virtual endpoint peer(int fd) const = 0;

  virtual void on_turn() = 0;                                  ///< time goes on by a little
  virtual std::size_t choose(std::size_t ready) noexcept = 0;  ///< which of the ready tasks is next
  virtual bool look_around() noexcept = 0;                     ///< whether to ask for I/O before the next ready task
  virtual int inline_budget() noexcept = 0;
  virtual void run_blocking(std::function<void()> work, std::function<void()> then) = 0;  ///< `then` in a later turn
  virtual std::uint64_t random() noexcept = 0;
  virtual void deadlock(const loop&) = 0;  ///< nothing can ever happen any more
};

/// The simulation of this thread.
extern constinit thread_local simulated_kernel* simulation;

}  // namespace atrium::rt::detail
