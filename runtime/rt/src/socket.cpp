#include <fcntl.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"
#include "atrium/rt/io.hpp"

namespace atrium::rt {
namespace {

// Connected sockets are blocking ones: inline attempts say MSG_DONTWAIT, and a ring waits for a blocking socket by
// itself but would answer EAGAIN at once for a non-blocking one.
void set_blocking(int fd) noexcept { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

void no_delay(int fd, int family) noexcept {
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

endpoint name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return {};
  return endpoint::from(reinterpret_cast<const sockaddr*>(&storage), size);
}

/// True when a process answers on this Unix socket.
bool is_alive(const endpoint& at) noexcept {
  const unique_fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), at.address(), at.size()) == 0 || errno == EAGAIN;
}

}  // namespace

task<socket> socket::connect(endpoint to) {
  unique_fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw failure(system_error(errno, "socket"));
  no_delay(fd.get(), to.family());
  while (::connect(fd.get(), to.address(), to.size()) < 0 && errno != EINPROGRESS) {
    // A Unix listener whose backlog is full says EAGAIN and cannot be waited for.
    if (errno != EAGAIN && errno != EINTR) throw failure(system_error(errno, "connect to " + to.text()));
    co_await sleep_for(std::chrono::milliseconds(2));
  }
  try {
    co_await detail::void_op(detail::io_kind::connect, fd.get(), nullptr, 0, 0, "connect");
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    throw failure(error(f.disposition(), "connect to " + to.text() + ": " + f.error().public_text()).with_code(f.error().code()));
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

void socket::shutdown_send() noexcept { ::shutdown(fd_.get(), SHUT_WR); }
void socket::shutdown() noexcept { ::shutdown(fd_.get(), SHUT_RDWR); }
endpoint socket::peer() const { return name_of(fd_.get(), ::getpeername); }

listener listener::bind(const endpoint& at, int backlog) {
  unique_fd fd(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw failure(system_error(errno, "socket"));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int r = ::bind(fd.get(), at.address(), at.size());
  if (r < 0 && errno == EADDRINUSE && at.family() == AF_UNIX && !is_alive(at)) {
    ::unlink(at.host().c_str());
    r = ::bind(fd.get(), at.address(), at.size());
  }
  if (r < 0 && errno == EADDRINUSE) fail(disposition::conflict, "The address " + at.text() + " is in use. Stop what listens there or choose another.");
  if (r < 0 || ::listen(fd.get(), backlog) < 0) throw failure(system_error(errno, "listen on " + at.text()));
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

endpoint listener::local() const { return name_of(fd_.get(), ::getsockname); }

std::pair<socket, socket> socket_pair() {
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
      throw failure(error(r == EAI_AGAIN ? disposition::timed_out : disposition::not_found, "The host name '" + host + "' cannot be resolved.")
                        .with_peer_text(::gai_strerror(r)));
    std::vector<endpoint> out;
    for (auto* a = list; a; a = a->ai_next) out.push_back(endpoint::from(a->ai_addr, a->ai_addrlen));
    ::freeaddrinfo(list);
    return out;
  };
  co_return co_await blocking(std::move(look_up));
}

}  // namespace atrium::rt
