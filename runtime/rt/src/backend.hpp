// What a loop needs of the kernel: wait for I/O and be woken by other threads. Two of them, with the same semantics.
#pragma once

#include <memory>
#include <vector>

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
  /// The descriptor is about to be closed: its number will mean another file.
  void forget(int fd) noexcept {
    if (known(fd)) input_[static_cast<std::size_t>(fd)] = 0;
    forgotten(fd);
  }

  /// The pool of lent_bytes: a buffer of lent_bytes::capacity, and back.
  std::byte* lend();
  virtual void take_back(std::byte*) noexcept;
  /// Lends a buffer to `read`; `op` keeps it as its address when bytes came.
  template <class Read>
  long lend_to(io_op& op, Read read) {
    auto* into = lend();
    const long r = read(into);
    if (r > 0) op.address = into;
    else take_back(into);
    return r;
  }

  /// The last receive emptied the socket and nothing has come since, as far as is known: the next one would say EAGAIN,
  /// so its system call is not worth making.
  bool drained(int fd) const noexcept { return known(fd) && input_[static_cast<std::size_t>(fd)] == drained_bit; }
  void set_drained(int fd, bool yes) noexcept {
    if (!known(fd) && !learn(fd)) return;
    auto& state = input_[static_cast<std::size_t>(fd)];
    if (!(state & ended_bit)) state = yes ? drained_bit : 0;
  }

  /// Drained, and known to be so still: whatever comes is noticed by wait() even while no operation waits for it.
  virtual bool quiet(int fd) const noexcept { return static_cast<void>(fd), false; }

 protected:
  virtual void forgotten(int fd) noexcept = 0;
  /// The peer has ended its side: a receive always has an answer from now on.
  void set_ended(int fd) noexcept {
    if (known(fd) || learn(fd)) input_[static_cast<std::size_t>(fd)] = ended_bit;
  }

 private:
  static constexpr std::uint8_t drained_bit = 1, ended_bit = 2;
  static constexpr std::size_t most_spare = 256;  // of 16 KiB: as many as one wait may hand out
  static constexpr int tracked_fds = 1 << 20;
  bool known(int fd) const noexcept { return static_cast<std::size_t>(fd) < input_.size(); }
  bool learn(int fd) noexcept {
    if (fd < 0 || fd >= tracked_fds) return false;
    input_.resize(static_cast<std::size_t>(fd) + 64);
    return true;
  }
  std::vector<std::uint8_t> input_;  // by descriptor
  std::vector<std::unique_ptr<std::byte[]>> spare_;
};

/// On a thread of the pool for blocking calls: the task that it works for.
extern constinit thread_local const task_node* served_task;

std::unique_ptr<backend> make_epoll_backend();
/// Null when the kernel refuses; `reason` then says why.
std::unique_ptr<backend> make_uring_backend(std::string& reason);

}  // namespace atrium::rt::detail
