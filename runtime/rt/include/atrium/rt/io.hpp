/// @file io.hpp - descriptors, sockets and readiness on the current loop. Layer: rt.
///
/// Every operation tries the system call at once and suspends only when it would block.
/// @thread the loop's  @cancel ends with failure(cancelled); bytes already moved are lost to the caller, so a stream on
/// which a read or write was cancelled is good only for closing  @ownership buffers belong to the caller until the
/// await is over
/// @errors failure by errno: disconnected, timed_out, overloaded, ...
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atrium/rt/scope.hpp"

namespace atrium::rt {

/// Owns a file descriptor. close() tells the loop to forget it first, so that its number can be used again.
/// No operation may be pending on it: shut a socket down and join its tasks first.
class unique_fd {
 public:
  unique_fd() noexcept = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() { close(); }
  int get() const noexcept { return fd_; }
  int release() noexcept;  ///< also forgotten by the loop
  void close() noexcept;
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Tells the current loop (if any) that `fd` is about to be closed by someone else (libpq, a library).
void forget_fd(int fd) noexcept;

namespace detail {

class backend;
struct receive_op;
enum class io_kind : std::uint8_t {
  readable,
  writable,
  recv,
  receive,  // into a buffer of the pool
  send,
  read,
  write,
  accept,
  connect,
  sendmsg
};

/// One I/O operation, in the awaiting frame. Backends complete it with a result as of a system call (-errno).
class io_op : public suspended_op {
 public:
  io_op(io_kind kind, int fd, const void* address, std::size_t length, int flags, const char* what) noexcept
      : suspended_op(what), kind(kind), flags(flags), fd(fd), address(const_cast<void*>(address)), length(length) {}

  /// A flag of readiness waits: the loop hears of the close of this descriptor, so it may be watched meanwhile.
  static constexpr int of_socket = 1;

  bool await_ready() const noexcept { return false; }
  template <task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    return begin(h.promise().node, h);
  }
  void request_cancel() noexcept override;

  /// One non-blocking try of the system call: result or -errno; -EAGAIN means wait.
  long attempt() noexcept;
  /// Called by a backend, once: the task continues with `result`.
  void complete(long result_or_errno) noexcept;

  const io_kind kind;
  bool armed = false;
  int flags;
  int fd;
  void* address;
  std::size_t length;
  long result = 0;
  io_op *previous = nullptr, *next = nullptr;  // the epoll backend's lists

 protected:
  long finish() const;  ///< throws on cancellation and errors

 private:
  bool begin(task_node* node, std::coroutine_handle<> h) noexcept;
};

struct count_op : io_op {
  using io_op::io_op;
  std::size_t await_resume() const { return static_cast<std::size_t>(finish()); }
};
struct void_op : io_op {
  using io_op::io_op;
  void await_resume() const { finish(); }
};
struct fd_op : io_op {
  using io_op::io_op;
  unique_fd await_resume() const { return unique_fd(static_cast<int>(finish())); }
};

}  // namespace detail

/// Bytes in a buffer of the loop's pool, to which it goes back when this is destroyed, released or assigned to.
/// @thread the loop's, not after the loop's end
class lent_bytes {
 public:
  static constexpr std::size_t capacity = 16 * 1024;
  lent_bytes() noexcept = default;
  lent_bytes(lent_bytes&& other) noexcept
      : owner_(other.owner_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  lent_bytes& operator=(lent_bytes&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    other.release();
    return *this;
  }
  ~lent_bytes() { release(); }
  /// A whole buffer of the current loop, to be filled.
  static lent_bytes borrow();
  std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
  bool empty() const noexcept { return size_ == 0; }
  void shrink(std::size_t size) noexcept { size_ = static_cast<std::uint32_t>(size); }
  void release() noexcept;

 private:
  friend struct detail::receive_op;
  lent_bytes(detail::backend& owner, std::byte* data, std::size_t size) noexcept
      : owner_(&owner), data_(data), size_(static_cast<std::uint32_t>(size)) {}
  detail::backend* owner_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
};

namespace detail {
struct receive_op : io_op {
  explicit receive_op(int fd) noexcept : io_op(io_kind::receive, fd, nullptr, lent_bytes::capacity, 0, "receive") {}
  ~receive_op();
  lent_bytes await_resume();
};
}  // namespace detail

/// Waits until a read (write) on `fd` would not block, or the peer is gone.
inline detail::void_op readable(int fd) noexcept { return {detail::io_kind::readable, fd, nullptr, 0, 0, "readable"}; }
inline detail::void_op writable(int fd) noexcept { return {detail::io_kind::writable, fd, nullptr, 0, 0, "writable"}; }

/// read(2)/write(2) on a non-blocking pipe, pty or eventfd. 0 from read_some: end of file. A pty whose other side is
/// closed reads as end of file too (the kernel says EIO).
inline detail::count_op read_some(int fd, std::span<std::byte> into) noexcept {
  return {detail::io_kind::read, fd, into.data(), into.size(), 0, "read"};
}
inline detail::count_op write_some(int fd, std::span<const std::byte> from) noexcept {
  return {detail::io_kind::write, fd, from.data(), from.size(), 0, "write"};
}
task<void> write_all(int fd, std::span<const std::byte> from);

/// An IPv4, IPv6 or Unix socket address.
class endpoint {
 public:
  endpoint() noexcept = default;
  /// "127.0.0.1:80", "[::1]:80", "unix:/path". Names are not resolved (see resolve()). @errors failure(invalid)
  static endpoint parse(std::string_view text);
  static endpoint unix_path(std::string_view path);
  static endpoint ip(std::string_view address, std::uint16_t port);
  static endpoint from(const sockaddr* address, socklen_t length);

  const sockaddr* address() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }
  int family() const noexcept { return storage_.ss_family; }
  std::uint16_t port() const noexcept;  ///< 0 for Unix sockets
  std::string host() const;             ///< without port; the path of a Unix socket
  std::string text() const;             ///< what parse() reads

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// Addresses of a host name by getaddrinfo on the blocking pool; literal addresses return at once.
task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port);

/// A connected TCP or Unix stream socket. Move-only. One reader and one writer at a time.
class socket {
 public:
  socket() noexcept = default;
  explicit socket(unique_fd fd) noexcept : fd_(std::move(fd)) {}

  /// TCP_NODELAY and keep-alive probes are on: a peer whose machine vanished is noticed after 15 s of silence. @errors
  /// disconnected, timed_out (kernel), denied
  static task<socket> connect(endpoint to);

  /// Bytes read, 0 at end of stream.
  detail::count_op recv_some(std::span<std::byte> into) noexcept {
    return {detail::io_kind::recv, fd_.get(), into.data(), into.size(), 0, "recv"};
  }
  /// Bytes in a buffer that is borrowed when they are here: waiting holds none. Empty at end of stream.
  detail::receive_op receive() noexcept { return detail::receive_op(fd_.get()); }
  detail::count_op send_some(std::span<const std::byte> from) noexcept {
    return {detail::io_kind::send, fd_.get(), from.data(), from.size(), MSG_NOSIGNAL, "send"};
  }
  task<void> send_all(std::span<const std::byte> from);
  /// Several buffers with one system call where it fits. `parts` is consumed.
  task<void> send_all(std::span<iovec> parts);
  /// What the kernel takes without waiting: bytes, possibly 0. An error is left to the next send. Not while another
  /// sends.
  std::size_t try_send(std::span<const iovec> parts) noexcept;
  /// What is here without waiting: bytes, possibly 0; an end or an error is left to the next receive. Counts as one of
  /// the operations that a turn may complete without suspending. Not while another receives.
  std::size_t try_recv(std::span<std::byte> into) noexcept;
  detail::void_op wait_readable() noexcept {
    return {detail::io_kind::readable, fd_.get(), nullptr, 0, detail::io_op::of_socket, "readable"};
  }

  /// Neither bytes nor an end of stream nor an error wait to be read, as far as is known at the start of this turn: an
  /// idle connection that is still good.
  bool quiet() const noexcept;

  void shutdown_send() noexcept;
  /// Wakes whoever waits on this socket with end of stream or an error; the descriptor stays valid.
  void shutdown() noexcept;
  void close() noexcept { fd_.close(); }
  endpoint peer() const;
  int fd() const noexcept { return fd_.get(); }
  unique_fd release() noexcept { return std::move(fd_); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

 private:
  unique_fd fd_;
};

/// A listening socket.
class listener {
 public:
  /// SO_REUSEADDR; port 0 takes a free one (see local()). A stale Unix socket file that nobody answers on is replaced.
  /// @errors conflict (address in use), denied
  static listener bind(const endpoint& at, int backlog = 1024);
  /// Takes over an inherited listening descriptor.
  explicit listener(unique_fd fd) noexcept : fd_(std::move(fd)) {}

  /// EMFILE and the like are waited out, not thrown.
  task<socket> accept();
  endpoint local() const;
  int fd() const noexcept { return fd_.get(); }
  void close() noexcept { fd_.close(); }

 private:
  unique_fd fd_;
};

/// Two connected Unix stream sockets.
std::pair<socket, socket> socket_pair();

inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace atrium::rt
