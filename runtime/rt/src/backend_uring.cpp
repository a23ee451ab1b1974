#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>

#include "backend.hpp"

namespace atrium::rt::detail {
namespace {

constexpr std::uint64_t ignored = 0, wakeup_tag = 1;  // user_data that is no operation's address

class uring_backend final : public backend {
 public:
  /// Tries the flags from best to plain: deferred task-run needs Linux 6.1, the rest came earlier.
  explicit uring_backend(int& error) noexcept {
    constexpr unsigned ladder[] = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN,
                                   0};
    for (const unsigned flags : ladder) {
      io_uring_params p{};
      p.flags = flags | IORING_SETUP_CQSIZE;
      p.cq_entries = 4096;
      error = -::io_uring_queue_init_params(256, &ring_, &p);
      if (error != EINVAL) break;
    }
    if (error != 0) return;
    polls_first_ = ring_.flags & IORING_SETUP_DEFER_TASKRUN;  // a younger feature stands for an older one (5.19)
    good_ = true;
    wakeup_ = ::eventfd(0, EFD_CLOEXEC);
    if (wakeup_ < 0) error = errno;
    else arm_wakeup();
  }
  ~uring_backend() override {
    if (wakeup_ >= 0) ::close(wakeup_);
    if (good_) ::io_uring_queue_exit(&ring_);
  }

  void start(io_op& op) noexcept override {
    if (op.fd < 0) return op.complete(-EBADF);
    auto* sqe = next_sqe();
    switch (op.kind) {
      case io_kind::readable:
        ::io_uring_prep_poll_add(sqe, op.fd, POLLIN | POLLRDHUP);
        break;
      case io_kind::writable:
        ::io_uring_prep_poll_add(sqe, op.fd, POLLOUT);
        break;
      case io_kind::recv:
        ::io_uring_prep_recv(sqe, op.fd, op.address, op.length, op.flags);
        if (polls_first_) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;  // the socket is known to be empty
        break;
      case io_kind::send:
        ::io_uring_prep_send(sqe, op.fd, op.address, op.length, op.flags);
        break;
      case io_kind::sendmsg:
        ::io_uring_prep_sendmsg(sqe, op.fd, static_cast<msghdr*>(op.address), unsigned(op.flags));
        break;
      // These descriptors are O_NONBLOCK, for which a ring answers EAGAIN at once: wait for readiness, then try again.
      case io_kind::connect:
      case io_kind::write:
        ::io_uring_prep_poll_add(sqe, op.fd, POLLOUT);
        break;
      case io_kind::accept:
      case io_kind::read:
        ::io_uring_prep_poll_add(sqe, op.fd, POLLIN);
        break;
    }
    ::io_uring_sqe_set_data(sqe, &op);
    op.armed = true;
  }

  void cancel(io_op& op) noexcept override {
    auto* sqe = next_sqe();
    ::io_uring_prep_cancel(sqe, &op, 0);
    ::io_uring_sqe_set_data64(sqe, ignored);
  }

  void wait(duration limit) noexcept override {
    if (limit == duration::zero()) {
      ::io_uring_submit_and_get_events(&ring_);
    } else if (limit < duration::zero()) {
      ::io_uring_submit_and_wait(&ring_, 1);
    } else {
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(limit).count();
      __kernel_timespec ts{ns / 1'000'000'000, ns % 1'000'000'000};
      io_uring_cqe* unused = nullptr;
      ::io_uring_submit_and_wait_timeout(&ring_, &unused, 1, &ts, nullptr);
    }
    reap();
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto r = ::write(wakeup_, &one, sizeof one);
  }

  void forgotten(int) noexcept override {}  // an operation holds its file; nothing is registered by number

 private:
  io_uring_sqe* next_sqe() noexcept {
    while (true) {
      if (auto* sqe = ::io_uring_get_sqe(&ring_)) return sqe;
      const int r = ::io_uring_submit(&ring_);
      if (r == -EBUSY || r == -EAGAIN) ::io_uring_get_events(&ring_);  // completions overflowed: let them in first
    }
  }

  void arm_wakeup() noexcept {
    auto* sqe = next_sqe();
    ::io_uring_prep_read(sqe, wakeup_, &wakeup_count_, sizeof wakeup_count_, 0);
    ::io_uring_sqe_set_data64(sqe, wakeup_tag);
  }

  void reap() noexcept {
    // Collect first, complete after: completing may fill submission queues but must not see a half-read ring.
    io_uring_cqe* batch[128];
    while (const unsigned n = ::io_uring_peek_batch_cqe(&ring_, batch, std::size(batch))) {
      bool rearm = false;
      for (unsigned i = 0; i < n; ++i) {
        const auto tag = ::io_uring_cqe_get_data64(batch[i]);
        if (tag == wakeup_tag) rearm = true;
        else if (tag != ignored) finish(*reinterpret_cast<io_op*>(tag), batch[i]->res);
      }
      ::io_uring_cq_advance(&ring_, n);
      if (rearm) arm_wakeup();
    }
  }

  void finish(io_op& op, int res) noexcept {
    long r = res;
    const bool by_readiness = op.kind == io_kind::read || op.kind == io_kind::write || op.kind == io_kind::accept ||
                              op.kind == io_kind::connect;
    if (by_readiness && res >= 0) {
      r = op.attempt();
      if (r == -EAGAIN) return start(op);
    } else if (res == -EINTR || res == -EAGAIN) {
      return start(op);
    } else if (res > 0 && (op.kind == io_kind::readable || op.kind == io_kind::writable)) {
      r = 0;
    }
    op.complete(r);
  }

  io_uring ring_{};
  bool good_ = false, polls_first_ = false;
  int wakeup_ = -1;
  std::uint64_t wakeup_count_ = 0;
};

}  // namespace

std::unique_ptr<backend> make_uring_backend(std::string& reason) {
  int error = 0;
  auto b = std::make_unique<uring_backend>(error);
  if (error == 0) return b;
  reason = std::string("io_uring_setup: ") + std::strerror(error);
  return nullptr;
}

}  // namespace atrium::rt::detail
