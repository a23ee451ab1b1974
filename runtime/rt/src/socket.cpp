#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"
#include "atrium/rt/io.hpp"
#include "backend.hpp"
#include "simulated_kernel.hpp"

namespace atrium::rt {
namespace {

// Connected sockets are blocking ones: inline attempts say MSG_DONTWAIT, and a ring waits for a blocking socket by
// itself but would answer EAGAIN at once for a non-blocking one.
void set_blocking(int fd) noexcept {
  if (detail::is_simulated(fd)) return;
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

void no_delay(int fd, int family) noexcept {
  const int on = 1;
  if (family != AF_UNIX && !detail::is_simulated(fd)) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

endpoint name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return {};
  return endpoint::from(reinterpret_cast<const sockaddr*>(&storage), size);
}

// The system calls that make a connection, of the kernel or of a simulation.
long checked(long r) noexcept { return r < 0 ? -errno : r; }

bool in_simulation() noexcept { return detail::simulation != nullptr; }

long open_stream(int family) noexcept {
  if (in_simulation()) return detail::simulation->open_socket(family);
  return checked(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

long begin_connect(int fd, const endpoint& to) noexcept {
  if (detail::is_simulated(fd)) return detail::simulation->connect(fd, to);
  return checked(::connect(fd, to.address(), to.size()));
}

/// True when a process answers on this Unix socket.
bool is_alive(const endpoint& at) noexcept {
  const unique_fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), at.address(), at.size()) == 0 || errno == EAGAIN;
}

long bind_and_listen(int fd, const endpoint& at, int backlog) noexcept {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  long r = checked(::bind(fd, at.address(), at.size()));
  if (r == -EADDRINUSE && at.family() == AF_UNIX && !is_alive(at)) {
    ::unlink(at.host().c_str());
    r = checked(::bind(fd, at.address(), at.size()));
  }
  return r < 0 ? r : checked(::listen(fd, backlog));
}

/// A machine that vanishes says nothing. Without this an idle connection to it looks usable for hours, and the request
/// that takes it from a pool hangs. Not TCP_USER_TIMEOUT: that would also cut peers that only do not read for a while.
void keep_alive(int fd, int family) noexcept {
  if (family == AF_UNIX || detail::is_simulated(fd)) return;
  const std::pair<int, int> values[] = {{TCP_KEEPIDLE, 5}, {TCP_KEEPINTVL, 5}, {TCP_KEEPCNT, 2}};
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  for (const auto& [option, value] : values) ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

task<socket> socket::connect(endpoint to) {
  const long opened = open_stream(to.family());
  if (opened < 0) throw failure(system_error(static_cast<int>(-opened), "socket"));
  unique_fd fd(static_cast<int>(opened));
  no_delay(fd.get(), to.family());
  keep_alive(fd.get(), to.family());
  long r;
  while ((r = begin_connect(fd.get(), to)) < 0 && r != -EINPROGRESS) {
    // A Unix listener whose backlog is full says EAGAIN and cannot be waited for.
    if (r != -EAGAIN && r != -EINTR) throw failure(system_error(static_cast<int>(-r), "connect to " + to.text()));
    co_await sleep_for(std::chrono::milliseconds(2));
  }
  try {
    co_await detail::void_op(detail::io_kind::connect, fd.get(), nullptr, 0, 0, "connect");
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    throw failure(
        error(f.disposition(), "connect to " + to.text() + ": " + f.error().public_text()).with_code(f.error().code()));
  }
  set_blocking(fd.get());
  co_return socket(std::move(fd));
}

task<void> socket::send_all(std::span<const std::byte> from) {
  while (!from.empty()) from = from.subspan(co_await send_some(from));
}

task<void> socket::send_all(std::span<iovec> parts) {
  while (true) {
    while (!parts.empty() && parts.front().iov_len == 0) parts = parts.subspan(1);
    if (parts.empty()) co_return;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = std::min<std::size_t>(parts.size(), 64);
    auto sent = co_await detail::count_op(detail::io_kind::sendmsg, fd_.get(), &message, 0, MSG_NOSIGNAL, "sendmsg");
    while (sent > 0) {
      auto& first = parts.front();
      const auto part = std::min(sent, first.iov_len);
      first.iov_base = static_cast<char*>(first.iov_base) + part;
      first.iov_len -= part;
      sent -= part;
      if (first.iov_len == 0) parts = parts.subspan(1);
    }
  }
}

std::size_t socket::try_send(std::span<const iovec> parts) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = std::min<std::size_t>(parts.size(), 1024);  // UIO_MAXIOV
  const auto attempt = [this](detail::io_kind kind, void* what, std::size_t size) {
    return detail::count_op(kind, fd_.get(), what, size, MSG_NOSIGNAL, "send").attempt();
  };
  const long sent = parts.size() == 1 ? attempt(detail::io_kind::send, parts[0].iov_base, parts[0].iov_len)
                                      : attempt(detail::io_kind::sendmsg, &message, 0);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::size_t socket::try_recv(std::span<std::byte> into) noexcept {
  auto& l = loop::current();
  if (l.io().drained(fd()) || !l.take_inline_budget()) return 0;
  detail::count_op once(detail::io_kind::recv, fd_.get(), into.data(), into.size(), 0, "recv");
  const long got = once.attempt();
  if (got <= 0) return 0;
  l.io().set_drained(fd(), static_cast<std::size_t>(got) < into.size());
  return static_cast<std::size_t>(got);
}

namespace {
void shut_down(int fd, int how) noexcept {
  if (detail::is_simulated(fd)) return detail::simulation->shutdown(fd, how);
  ::shutdown(fd, how);
}
}  // namespace

void socket::shutdown_send() noexcept { shut_down(fd_.get(), SHUT_WR); }
void socket::shutdown() noexcept { shut_down(fd_.get(), SHUT_RDWR); }

bool socket::quiet() const noexcept {
  if (detail::is_simulated(fd())) return detail::simulation->peek(fd()) == -EAGAIN;
  if (loop::current().io().quiet(fd())) return true;
  char byte;
  return ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

endpoint socket::peer() const {
  return detail::is_simulated(fd()) ? detail::simulation->peer(fd()) : name_of(fd(), ::getpeername);
}

listener listener::bind(const endpoint& at, int backlog) {
  const long opened = open_stream(at.family());
  if (opened < 0) throw failure(system_error(static_cast<int>(-opened), "socket"));
  unique_fd fd(static_cast<int>(opened));
  const long r =
      in_simulation() ? detail::simulation->listen(fd.get(), at, backlog) : bind_and_listen(fd.get(), at, backlog);
  if (r == -EADDRINUSE)
    fail(disposition::conflict, "The address " + at.text() + " is in use. Stop what listens there or choose another.");
  if (r < 0) throw failure(system_error(static_cast<int>(-r), "listen on " + at.text()));
  return listener(std::move(fd));
}

task<socket> listener::accept() {
  while (true) {
    try {
      auto fd = co_await detail::fd_op(detail::io_kind::accept, fd_.get(), nullptr, 0, 0, "accept");
      no_delay(fd.get(), local().family());
      co_return socket(std::move(fd));
    } catch (const failure& f) {
      if (f.disposition() == disposition::overloaded) log::warn("accept failed, waiting", {{"error", f.error()}});
      else if (f.disposition() != disposition::disconnected) throw;
    }
    co_await sleep_for(std::chrono::milliseconds(50));
  }
}

endpoint listener::local() const {
  return detail::is_simulated(fd()) ? detail::simulation->local(fd()) : name_of(fd(), ::getsockname);
}

std::pair<socket, socket> socket_pair() {
  if (in_simulation()) {
    const auto [a, b] = detail::simulation->open_pair();
    return {socket(unique_fd(a)), socket(unique_fd(b))};
  }
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) throw failure(system_error(errno, "socketpair"));
  return {socket(unique_fd(fds[0])), socket(unique_fd(fds[1]))};
}

task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port) {
  in6_addr literal;
  if (::inet_pton(AF_INET, host.c_str(), &literal) == 1 || ::inet_pton(AF_INET6, host.c_str(), &literal) == 1)
    co_return std::vector<endpoint>{endpoint::ip(host, port)};
  auto look_up = [host, port] {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    const int r = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (r != 0)
      throw failure(error(r == EAI_AGAIN ? disposition::timed_out : disposition::not_found,
                          "The host name '" + host + "' cannot be resolved.")
                        .with_peer_text(::gai_strerror(r)));
    std::vector<endpoint> out;
    for (auto* a = list; a; a = a->ai_next) out.push_back(endpoint::from(a->ai_addr, a->ai_addrlen));
    ::freeaddrinfo(list);
    return out;
  };
  co_return co_await blocking(std::move(look_up));
}

}  // namespace atrium::rt
