#include "atrium/rt/io.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "backend.hpp"
#include "simulated_kernel.hpp"

namespace atrium::rt {

int unique_fd::release() noexcept {
  if (fd_ >= 0) forget_fd(fd_);
  return std::exchange(fd_, -1);
}

void unique_fd::close() noexcept {
  if (fd_ < 0) return;
  forget_fd(fd_);
  if (!detail::is_simulated(fd_)) ::close(fd_);
  else if (detail::simulation) detail::simulation->close(fd_);
  fd_ = -1;
}

namespace detail {

namespace {
/// A receive that got less than it asked for has emptied the socket.
void note_input(const io_op& op) noexcept {
  auto& io = op.node()->owner().io();
  if ((op.kind == io_kind::recv && op.flags == 0) || op.kind == io_kind::receive)
    io.set_drained(op.fd, op.result > 0 && static_cast<std::size_t>(op.result) < op.length);
  else if (op.kind == io_kind::readable) io.set_drained(op.fd, false);
}
}  // namespace

bool io_op::begin(task_node* node, std::coroutine_handle<> h) noexcept {
  if (!enter(node, h)) return false;
  auto& l = node->owner();
  const bool receives = kind == io_kind::recv || kind == io_kind::receive || kind == io_kind::readable;
  result = receives && l.io().drained(fd) ? -EAGAIN : attempt();
  if (result >= 0) note_input(*this);
  if (result == -EAGAIN) {
    suspend();
    l.io().start(*this);
    return true;
  }
  if (l.take_inline_budget()) return false;
  suspend();  // done, but others have waited long enough
  wake();
  return true;
}

void io_op::request_cancel() noexcept {
  if (armed) node()->owner().io().cancel(*this);
}

void io_op::complete(long result_or_errno) noexcept {
  armed = false;
  result = result_or_errno;
  if (result >= 0) note_input(*this);
  if (result == -ECANCELED) cancelled_ = node()->cancelled();
  wake();
}

long io_op::finish() const {
  throw_if_cancelled();
  if (result < 0) throw failure(system_error(static_cast<int>(-result), what()));
  return result;
}

namespace {

long checked(long r) noexcept {
  if (r >= 0) return r;
  return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

long poll_now(int fd, short events) noexcept {
  pollfd p{fd, events, 0};
  const int n = ::poll(&p, 1, 0);
  return n == 0 ? -EAGAIN : n < 0 ? -errno : 0;
}

long connect_result(int fd) noexcept {
  if (const long r = poll_now(fd, POLLOUT); r < 0) return r;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return -error;
}

}  // namespace

receive_op::~receive_op() {
  if (address) node()->owner().io().take_back(static_cast<std::byte*>(address));
}

lent_bytes receive_op::await_resume() {
  const long n = finish();
  return {node()->owner().io(), static_cast<std::byte*>(std::exchange(address, nullptr)), static_cast<std::size_t>(n)};
}

long io_op::attempt() noexcept {
  if (is_simulated(fd)) [[unlikely]]
    return simulation->attempt(*this);
  long r = -EINTR;
  while (r == -EINTR) switch (kind) {
      case io_kind::readable:
        r = poll_now(fd, POLLIN | POLLRDHUP);
        break;
      case io_kind::writable:
        r = poll_now(fd, POLLOUT);
        break;
      case io_kind::receive:
        r = node()->owner().io().lend_to(
            *this, [this](std::byte* into) { return checked(::recv(fd, into, length, MSG_DONTWAIT)); });
        break;
      case io_kind::recv:
        r = checked(::recv(fd, address, length, flags | MSG_DONTWAIT));
        break;
      case io_kind::send:
        r = checked(::send(fd, address, length, flags | MSG_DONTWAIT));
        break;
      case io_kind::sendmsg:
        r = checked(::sendmsg(fd, static_cast<msghdr*>(address), flags | MSG_DONTWAIT));
        break;
      case io_kind::read:
        r = checked(::read(fd, address, length));
        if (r == -EIO) r = 0;  // a pty whose other side is closed
        break;
      case io_kind::write:
        r = checked(::write(fd, address, length));
        break;
      case io_kind::accept:
        r = checked(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
        break;
      case io_kind::connect:
        r = connect_result(fd);
        break;
    }
  return r;
}

}  // namespace detail

namespace detail {

std::byte* backend::lend() {
  if (spare_.empty()) return new std::byte[lent_bytes::capacity];
  auto* buffer = spare_.back().release();
  spare_.pop_back();
  return buffer;
}

void backend::take_back(std::byte* buffer) noexcept {
  std::unique_ptr<std::byte[]> owned(buffer);
  if (spare_.size() < most_spare) spare_.push_back(std::move(owned));
}

}  // namespace detail

lent_bytes lent_bytes::borrow() {
  auto& pool = loop::current().io();
  return {pool, pool.lend(), capacity};
}

void lent_bytes::release() noexcept {
  if (data_) owner_->take_back(std::exchange(data_, nullptr));
  size_ = 0;
}

task<void> write_all(int fd, std::span<const std::byte> from) {
  while (!from.empty()) from = from.subspan(co_await write_some(fd, from));
}

}  // namespace atrium::rt
