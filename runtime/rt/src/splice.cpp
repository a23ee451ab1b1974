#include "atrium/rt/splice.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "simulated_kernel.hpp"

namespace atrium::rt {

namespace {

constexpr std::size_t kept_pipes = 8;
constexpr int pipe_size = 256 * 1024;  // asked for; less is fine (fs.pipe-user-pages-soft)

long checked(long r) noexcept { return r < 0 ? -errno : r; }

bool has_input(int fd) noexcept {
  pollfd p{fd, POLLIN | POLLRDHUP, 0};
  return ::poll(&p, 1, 0) > 0;
}

/// Sockets are blocking ones (see socket.cpp), and splice(2) has no flag to say otherwise for one call.
class not_blocking {
 public:
  explicit not_blocking(int fd) noexcept : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {
    ::fcntl(fd_, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~not_blocking() { ::fcntl(fd_, F_SETFL, flags_); }
  not_blocking(const not_blocking&) = delete;

 private:
  int fd_, flags_;
};

}  // namespace

std::vector<splice_pipe::ends>& splice_pipe::spare() {
  thread_local auto all = [] {
    std::vector<ends> v;
    v.reserve(kept_pipes);
    return v;
  }();
  return all;
}

splice_pipe::splice_pipe() noexcept {
  if (auto& all = spare(); !all.empty()) {
    ends_ = std::move(all.back());
    all.pop_back();
    return;
  }
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) return;
  ends_ = {unique_fd(fds[0]), unique_fd(fds[1])};
  ::fcntl(fds[0], F_SETPIPE_SZ, pipe_size);
}

splice_pipe::~splice_pipe() {
  if (!good() || held_ > 0) return;
  if (auto& all = spare(); all.size() < kept_pipes) all.push_back(std::move(ends_));
}

bool splice_pipe::can_join(const socket& from, const socket& to) noexcept {
  return !detail::is_simulated(from.fd()) && !detail::is_simulated(to.fd());
}

task<std::size_t> splice_pipe::fill(socket& from) {
  for (;;) {
    if (has_input(from.fd())) {  // so this does not block
      const long n = checked(
          ::splice(from.fd(), nullptr, ends_.write.get(), nullptr, pipe_size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
      if (n >= 0) co_return held_ = static_cast<std::size_t>(n);
      if (n != -EAGAIN && n != -EINTR) throw failure(system_error(static_cast<int>(-n), "splice"));
    }
    co_await readable(from.fd());
  }
}

task<void> splice_pipe::drain(socket& to) {
  while (held_ > 0) {
    long n = 0;
    {
      const not_blocking mode(to.fd());
      n = checked(::splice(ends_.read.get(), nullptr, to.fd(), nullptr, held_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
    }
    if (n > 0) held_ -= static_cast<std::size_t>(n);
    else if (n == -EAGAIN) co_await writable(to.fd());
    else if (n != -EINTR) throw failure(system_error(n < 0 ? static_cast<int>(-n) : EPIPE, "splice"));
  }
}

}  // namespace atrium::rt
