#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>

#include "backend.hpp"

namespace atrium::rt::detail {
namespace {

// user_data that is no operation's address; of a poll: its two lowest bits are these, the rest says which
constexpr std::uint64_t ignored = 0, wakeup_tag = 1, poll_tag = 2;

/// Sockets that somebody receives from have one poll each that stays (multishot, Linux 5.13), as in an epoll set: a
/// receive costs no submission. Measured: with an operation each time a TCP echo costs 6 % more, with one into provided
/// buffers a WebSocket echo costs 20 % more.
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
    ::io_uring_register_ring_fd(&ring_);  // spares every call the look-up of the ring; may be refused
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
    if (waits_by_poll(op)) return;
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
      case io_kind::receive:
        ::io_uring_prep_poll_add(sqe, op.fd, POLLIN | POLLRDHUP);
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
    if (auto* p = poll_of(op.fd); p && p->waiting == &op) {
      p->waiting = nullptr;
      return op.complete(-ECANCELED);
    }
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

  bool quiet(int fd) const noexcept override {
    return drained(fd) && static_cast<std::size_t>(fd) < polls_.size() && polls_[static_cast<std::size_t>(fd)].armed;
  }

  /// A poll holds its file: without this the peer would not hear of the close.
  void forgotten(int fd) noexcept override {
    auto* p = poll_of(fd);
    if (!p) return;
    ATRIUM_ASSERT(!p->waiting, "no operation is pending on a descriptor that is closed");
    if (!p->armed) return;
    auto* sqe = next_sqe();
    ::io_uring_prep_cancel64(sqe, tag_of(fd, *p), 0);
    ::io_uring_sqe_set_data64(sqe, ignored);
    p->armed = false;
    ++p->generation;
  }

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

  struct poll {
    std::uint32_t generation = 0;  // of the descriptor's number: tells late completions of an earlier file
    bool armed = false;
    io_op* waiting = nullptr;
  };
  static std::uint64_t tag_of(int fd, const poll& p) noexcept {
    return std::uint64_t{p.generation} << 32 | static_cast<std::uint64_t>(fd) << 2 | poll_tag;
  }
  poll* poll_of(int fd) noexcept {
    return static_cast<std::size_t>(fd) < polls_.size() ? &polls_[static_cast<std::size_t>(fd)] : nullptr;
  }

  bool waits_by_poll(io_op& op) noexcept {
    const bool fits = op.kind == io_kind::receive || (op.kind == io_kind::recv && op.flags == 0) ||
                      (op.kind == io_kind::readable && op.flags == io_op::of_socket);
    if (!fits || !multishot_ || op.fd >= (1 << 29)) return false;
    if (!poll_of(op.fd)) polls_.resize(static_cast<std::size_t>(op.fd) + 64);
    auto& p = *poll_of(op.fd);
    if (p.waiting) return false;
    p.waiting = &op;
    op.armed = true;
    if (p.armed) return true;
    p.armed = true;
    auto* sqe = next_sqe();
    ::io_uring_prep_poll_multishot(sqe, op.fd, POLLIN | POLLRDHUP);
    ::io_uring_sqe_set_data64(sqe, tag_of(op.fd, p));
    return true;
  }

  void polled(std::uint64_t tag, int events, unsigned flags) noexcept {
    const int fd = static_cast<int>((tag & 0xffffffff) >> 2);
    auto* p = poll_of(fd);
    if (!p || p->generation != tag >> 32) return;
    if (!(flags & IORING_CQE_F_MORE)) p->armed = false;  // the ring was full of completions, or an error
    if (events == -EINVAL || events == -EOPNOTSUPP) multishot_ = false;
    if (events > 0 && events & (POLLRDHUP | POLLHUP | POLLERR)) set_ended(fd);
    else if (events > 0) set_drained(fd, false);
    auto* op = p->waiting;
    if (!op) return;
    const bool try_again = events == -ECANCELED || !multishot_;
    const auto now = [op] { return op->kind == io_kind::readable ? 0 : op->attempt(); };
    const long r = events > 0 ? now() : try_again ? -EAGAIN : events;
    if (r == -EAGAIN && p->armed) return;
    p->waiting = nullptr;
    if (r == -EAGAIN) start(*op);
    else op->complete(r);
  }

  void reap() noexcept {
    // Collect first, complete after: completing may fill submission queues but must not see a half-read ring.
    io_uring_cqe* batch[128];
    while (const unsigned n = ::io_uring_peek_batch_cqe(&ring_, batch, std::size(batch))) {
      bool rearm = false;
      for (unsigned i = 0; i < n; ++i) {
        const auto tag = ::io_uring_cqe_get_data64(batch[i]);
        if (tag == wakeup_tag) rearm = true;
        else if ((tag & 3) == poll_tag) polled(tag, batch[i]->res, batch[i]->flags);
        else if (tag != ignored) finish(*reinterpret_cast<io_op*>(tag), batch[i]->res);
      }
      ::io_uring_cq_advance(&ring_, n);
      if (rearm) arm_wakeup();
    }
  }

  void finish(io_op& op, int res) noexcept {
    long r = res;
    const bool by_readiness = op.kind == io_kind::read || op.kind == io_kind::write || op.kind == io_kind::accept ||
                              op.kind == io_kind::connect || op.kind == io_kind::receive;
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
  std::vector<poll> polls_;  // by descriptor
  bool multishot_ = true;
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
