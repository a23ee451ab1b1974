#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <vector>

#include "backend.hpp"

namespace atrium::rt::detail {
namespace {

bool wants_input(const io_op& op) noexcept {
  switch (op.kind) {
    case io_kind::readable:
    case io_kind::recv:
    case io_kind::receive:
    case io_kind::read:
    case io_kind::accept:
      return true;
    default:
      return false;
  }
}

struct waiting_list {
  io_op *head = nullptr, *tail = nullptr;
  void push(io_op& op) noexcept {
    op.previous = tail;
    op.next = nullptr;
    (tail ? tail->next : head) = &op;
    tail = &op;
  }
  void remove(io_op& op) noexcept {
    (op.previous ? op.previous->next : head) = op.next;
    (op.next ? op.next->previous : tail) = op.previous;
    op.previous = op.next = nullptr;
  }
};

/// Edge-triggered: a descriptor is registered once, at its first wait. That is sound because a wait starts only after
/// the system call said EAGAIN, or a receive took less than it asked for, so the edge that ends it is still to come.
/// The end of a stream has no edge of its own when it came with the last bytes: it is remembered (set_ended).
class epoll_backend final : public backend {
 public:
  epoll_backend() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (epoll_ < 0 || wakeup_ < 0) throw failure(system_error(errno, "epoll_create1"));
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = wakeup_;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &e);
  }
  ~epoll_backend() override {
    ::close(epoll_);
    ::close(wakeup_);
  }

  void start(io_op& op) noexcept override {
    if (op.fd < 0) return op.complete(-EBADF);
    if (static_cast<std::size_t>(op.fd) >= entries_.size()) entries_.resize(static_cast<std::size_t>(op.fd) + 64);
    auto& entry = entries_[static_cast<std::size_t>(op.fd)];
    if (!entry.registered) {
      epoll_event e{};
      e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
      e.data.fd = op.fd;
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, op.fd, &e) < 0 && errno != EEXIST) return op.complete(-errno);
      entry.registered = true;
    }
    (wants_input(op) ? entry.input : entry.output).push(op);
    op.armed = true;
  }

  void cancel(io_op& op) noexcept override {
    auto& entry = entries_[static_cast<std::size_t>(op.fd)];
    (wants_input(op) ? entry.input : entry.output).remove(op);
    op.complete(-ECANCELED);
  }

  void wait(duration limit) noexcept override {
    int ms = -1;
    if (limit >= duration::zero()) {
      const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
      ms = rounded > 60'000 ? 60'000 : static_cast<int>(rounded);
    }
    epoll_event events[256];
    const int n = ::epoll_wait(epoll_, events, std::size(events), ms);
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wakeup_) {
        std::uint64_t count;
        [[maybe_unused]] const auto r = ::read(wakeup_, &count, sizeof count);
        continue;
      }
      const auto e = events[i].events;
      if (e & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) set_ended(fd);
      else if (e & EPOLLIN) set_drained(fd, false);
      if (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) retry(fd, &entry::input);
      if (e & (EPOLLOUT | EPOLLHUP | EPOLLERR)) retry(fd, &entry::output);
    }
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto r = ::write(wakeup_, &one, sizeof one);
  }

  bool quiet(int fd) const noexcept override {
    return drained(fd) && static_cast<std::size_t>(fd) < entries_.size() &&
           entries_[static_cast<std::size_t>(fd)].registered;
  }

  void forgotten(int fd) noexcept override {
    if (static_cast<std::size_t>(fd) >= entries_.size()) return;
    auto& entry = entries_[static_cast<std::size_t>(fd)];
    ATRIUM_ASSERT(!entry.input.head && !entry.output.head, "no operation is pending on a descriptor that is closed");
    if (entry.registered) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    entry.registered = false;
  }

 private:
  struct entry {
    bool registered = false;
    waiting_list input, output;
  };

  void retry(int fd, waiting_list entry::* which) noexcept {
    if (static_cast<std::size_t>(fd) >= entries_.size()) return;
    auto& list = entries_[static_cast<std::size_t>(fd)].*which;
    while (auto* op = list.head) {
      // A readiness wait is answered by the event itself; it need not be true any more when its task runs.
      const bool readiness = op->kind == io_kind::readable || op->kind == io_kind::writable;
      const long r = readiness ? 0 : op->attempt();
      if (r == -EAGAIN) return;
      list.remove(*op);
      op->complete(r);
    }
  }

  int epoll_, wakeup_;
  std::vector<entry> entries_;
};

}  // namespace

std::unique_ptr<backend> make_epoll_backend() { return std::make_unique<epoll_backend>(); }

}  // namespace atrium::rt::detail
