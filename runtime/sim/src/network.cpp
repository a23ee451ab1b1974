// Streams in memory, with the manners of Linux: half-close, reset when unread bytes are thrown away, backlog.
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "kernel.hpp"

namespace atrium::sim {

using namespace std::chrono_literals;
using rt::detail::io_kind;

kernel::node_ptr kernel::make(int family) {
  auto n = std::make_shared<node>();
  n->family = family;
  n->fd = next_fd_++;
  descriptors_.emplace(n->fd, n);
  return n;
}

kernel::node_ptr kernel::find(int fd) const {
  const auto at = descriptors_.find(fd);
  return at == descriptors_.end() ? nullptr : at->second;
}

void kernel::join(const node_ptr& a, const node_ptr& b) {
  a->peer = b;
  b->peer = a;
  a->state = b->state = node::state_kind::connected;
}

long kernel::open_socket(int family) noexcept { return make(family)->fd; }

std::pair<int, int> kernel::open_pair() noexcept {
  auto a = make(AF_UNIX), b = make(AF_UNIX);
  join(a, b);
  return {a->fd, b->fd};
}

long kernel::listen(int fd, const rt::endpoint& at, int backlog) noexcept {
  auto n = find(fd);
  n->local = at;
  if (at.family() != AF_UNIX && at.port() == 0) n->local = rt::endpoint::ip(at.host(), next_port_++);
  if (listeners_.contains(n->local.text())) return -EADDRINUSE;
  n->state = node::state_kind::listening;
  n->backlog = static_cast<std::size_t>(backlog);
  listeners_[n->local.text()] = n;
  return 0;
}

long kernel::connect(int fd, const rt::endpoint& to) noexcept {
  auto n = find(fd);
  n->remote = to;
  if (to.family() == AF_UNIX) {
    const auto l = listeners_.find(to.text());
    if (l == listeners_.end() || random_.chance(options_.faults.refuse)) return -ECONNREFUSED;
    if (l->second->arrived.size() >= l->second->backlog) return -EAGAIN;
  } else {
    n->local = rt::endpoint::ip(to.family() == AF_INET6 ? "::1" : "127.0.0.1", next_port_++);
  }
  n->state = node::state_kind::connecting;
  syn(n, to, 0);
  return -EINPROGRESS;
}

/// The first packet of a connection. A full backlog drops it; it comes again after a second, five times.
void kernel::syn(const node_ptr& client, const rt::endpoint& to, int tries) {
  const auto& f = options_.faults;
  const auto fail_with = [this, client](int e) {
    client->state = node::state_kind::failed;
    client->error = e;
    poke(client);
  };
  if (tries == 0 && random_.chance(f.lost_connect)) return at(time_.now + 30s, [fail_with] { fail_with(ETIMEDOUT); });
  const bool refused = random_.chance(f.refuse);
  at(time_.now + latency(), [this, client, to, tries, refused, fail_with] {
    if (client->fd < 0) return;
    const auto l = listeners_.find(to.text());
    trace("syn", static_cast<std::uint64_t>(client->fd), refused);
    if (refused || l == listeners_.end()) return fail_with(ECONNREFUSED);
    if (l->second->arrived.size() >= l->second->backlog) {
      if (tries >= 5) return fail_with(ETIMEDOUT);
      return at(time_.now + 1s, [this, client, to, tries] { syn(client, to, tries + 1); });
    }
    auto server = std::make_shared<node>();
    server->family = to.family();
    server->local = to;
    server->remote = client->local;
    join(client, server);
    l->second->arrived.push_back(std::move(server));
    poke(l->second);
    poke(client);
  });
}

long kernel::take_connection(node& listening) noexcept {
  if (listening.arrived.empty()) return -EAGAIN;
  if (random_.chance(options_.faults.accept_emfile)) return -EMFILE;
  auto n = std::move(listening.arrived.front());
  listening.arrived.pop_front();
  if (random_.chance(options_.faults.accept_abort)) {
    reset(n);
    return -ECONNABORTED;
  }
  n->fd = next_fd_++;
  descriptors_.emplace(n->fd, n);
  return n->fd;
}

/// What a packet does at the other end, in the order of sending.
void kernel::arrive(const node_ptr& to, std::function<void(node&)> what) {
  to->last_arrival = std::max(to->last_arrival + 1ns, time_.now + latency());
  at(to->last_arrival, [this, to, what = std::move(what)] {
    if (to->reset) return;
    what(*to);
    poke(to);
  });
}

long kernel::send(const node_ptr& n, std::string_view bytes) noexcept {
  if (n->error) return -std::exchange(n->error, 0);
  auto to = n->peer.lock();
  if (n->state != node::state_kind::connected || n->write_shut || n->reset || !to) return -EPIPE;
  const auto used = n->on_the_way + to->inbox.size();
  if (used >= options_.faults.buffer) return -EAGAIN;
  auto size = std::min(bytes.size(), options_.faults.buffer - used);
  if (size > 1 && random_.chance(options_.faults.short_transfer)) size = random_.between(1, size);
  trace("send", static_cast<std::uint64_t>(n->fd), size);
  n->on_the_way += size;
  deliver(n, to, std::string(bytes.substr(0, size)));
  return static_cast<long>(size);
}

void kernel::deliver(const node_ptr& from, const node_ptr& to, std::string bytes) {
  const bool cut = random_.chance(options_.faults.reset);
  if (cut) bytes.resize(random_.below(bytes.size() + 1));
  arrive(to, [this, from, to, cut, bytes = std::move(bytes)](node& n) {
    from->on_the_way -= std::min(from->on_the_way, bytes.size());
    trace("arrive", static_cast<std::uint64_t>(n.fd), bytes.size());
    if (n.fd < 0 && n.end_seen) return;
    if (n.fd < 0 && n.read_shut) return reset(to);  // nobody will read this: tell the sender
    n.inbox += bytes;
    if (!cut) return;
    reset(from);
    reset(to);
  });
}

/// `from` sends a reset: the other end loses what was on its way, and half of the time what it had not read.
void kernel::reset(const node_ptr& from) {
  from->reset = true;
  auto to = from->peer.lock();
  if (!from->error) from->error = ECONNRESET;
  poke(from);
  if (!to) return;
  at(time_.now + latency(), [this, to] { got_reset(to, ECONNRESET); });
}

void kernel::got_reset(const node_ptr& n, int error) {
  if (n->reset) return;
  trace("reset", static_cast<std::uint64_t>(n->fd));
  n->reset = true;
  n->error = error;
  if (random_.chance(0.5)) n->inbox.clear();
  poke(n);
}

void kernel::reset_connections(double share) {
  for (const auto& [fd, n] : descriptors_)
    if (n->state == node::state_kind::connected && !n->reset && random_.chance(share)) reset(n);
}

long kernel::receive(node& n, void* into, std::size_t size) noexcept {
  if (n.state != node::state_kind::connected) return -ENOTCONN;
  if (!n.inbox.empty()) {
    auto take = std::min(size, n.inbox.size());
    if (take > 1 && random_.chance(options_.faults.short_transfer)) take = random_.between(1, take);
    std::memcpy(into, n.inbox.data(), take);
    n.inbox.erase(0, take);
    trace("receive", static_cast<std::uint64_t>(n.fd), take);
    if (auto p = n.peer.lock()) poke(p);
    return static_cast<long>(take);
  }
  if (n.error) return -std::exchange(n.error, 0);
  if (n.end_seen || n.read_shut || n.reset) return 0;
  return -EAGAIN;
}

long kernel::send_parts(const node_ptr& n, const msghdr& m) noexcept {
  std::string all;
  for (std::size_t i = 0; i < m.msg_iovlen; ++i)
    all.append(static_cast<const char*>(m.msg_iov[i].iov_base), m.msg_iov[i].iov_len);
  return send(n, all);
}

long kernel::try_now(io_op& op, node& n) noexcept {
  const auto self = find(op.fd);
  switch (op.kind) {
    case io_kind::receive:
      return lend_to(op, [&](std::byte* into) { return receive(n, into, op.length); });
    case io_kind::recv:
    case io_kind::read:
      return receive(n, op.address, op.length);
    case io_kind::send:
    case io_kind::write:
      return send(self, {static_cast<const char*>(op.address), op.length});
    case io_kind::sendmsg:
      return send_parts(self, *static_cast<const msghdr*>(op.address));
    case io_kind::accept:
      return take_connection(n);
    case io_kind::connect:
      if (n.state == node::state_kind::connecting) return -EAGAIN;
      return n.state == node::state_kind::failed ? -n.error : 0;
    case io_kind::readable: {
      const bool ready = !n.inbox.empty() || !n.arrived.empty() || n.error || n.end_seen || n.read_shut || n.reset;
      return ready ? 0 : -EAGAIN;
    }
    case io_kind::writable: {
      const auto to = n.peer.lock();
      const bool room = !to || n.error || n.reset || n.on_the_way + to->inbox.size() < options_.faults.buffer;
      return n.state == node::state_kind::connecting || !room ? -EAGAIN : 0;
    }
  }
  return -EINVAL;
}

long kernel::attempt(io_op& op) noexcept {
  auto n = find(op.fd);
  if (!n) return -EBADF;
  if (random_.chance(options_.faults.would_block)) return -EAGAIN;
  return try_now(op, *n);
}

void kernel::start(io_op& op) noexcept {
  auto n = find(op.fd);
  if (!n) return op.complete(-EBADF);
  op.armed = true;
  n->waiting.push_back(&op);
  started_[&op] = {++starts_, n};
  poke(n);  // it may be possible already: the attempt may have been refused by a fault
}

bool kernel::drop(io_op& op) noexcept {
  const auto at = started_.find(&op);
  if (at == started_.end()) return false;
  std::erase(at->second.second->waiting, &op);
  started_.erase(at);
  return true;
}

void kernel::cancel(io_op& op) noexcept {
  const auto at = started_.find(&op);
  if (at == started_.end()) return;
  if (!random_.chance(options_.faults.late_cancel)) {
    drop(op);
    return op.complete(-ECANCELED);
  }
  soon([this, &op, id = at->second.first] {
    const auto now = started_.find(&op);
    if (now == started_.end() || now->second.first != id) return;  // a result was faster
    const auto n = now->second.second;
    const long r = random_.chance(0.5) ? try_now(op, *n) : -ECANCELED;
    drop(op);
    woke_ = true;
    op.complete(r == -EAGAIN ? -ECANCELED : r);
  });
}

/// Something about `n` changed: operations that wait for it are tried soon, in any order.
void kernel::poke(const node_ptr& n) noexcept {
  if (n->waiting.empty()) return;
  soon([this, n] {
    auto ops = n->waiting;
    while (!ops.empty()) {
      const auto index = random_.below(ops.size());
      auto* op = ops[index];
      ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(index));
      const long r = try_now(*op, *n);
      if (r == -EAGAIN) continue;
      drop(*op);
      woke_ = true;
      op->complete(r);
    }
  });
}

long kernel::peek(int fd) noexcept {
  const auto n = find(fd);
  if (!n) return -EBADF;
  if (!n->inbox.empty()) return static_cast<long>(n->inbox.size());
  if (n->error) return -n->error;
  return n->end_seen || n->read_shut || n->reset ? 0 : -EAGAIN;
}

void kernel::shutdown(int fd, int how) noexcept {
  auto n = find(fd);
  if (!n) return;
  if (n->state == node::state_kind::listening) {
    poke(n);
    return;
  }
  if (how != SHUT_WR) n->read_shut = true;
  if (how != SHUT_RD && !n->write_shut && n->state == node::state_kind::connected) {
    n->write_shut = true;
    if (auto to = n->peer.lock(); to && !n->reset) arrive(to, [](node& other) { other.end_seen = true; });
  }
  poke(n);
}

void kernel::close(int fd) noexcept {
  auto n = find(fd);
  if (!n) return;
  ATRIUM_ASSERT(n->waiting.empty(), "no operation is pending on a descriptor that is closed");
  trace("close", static_cast<std::uint64_t>(fd));
  if (n->state == node::state_kind::listening) {
    listeners_.erase(n->local.text());
    for (auto& a : n->arrived) reset(a);
    n->arrived.clear();
  } else if (n->state == node::state_kind::connected && !n->reset) {
    if (!n->inbox.empty()) reset(n);
    else shutdown(fd, SHUT_RDWR);
  }
  descriptors_.erase(fd);
  n->fd = -1;
  // The other end only knows it weakly: keep this end until what is on its way has arrived.
  if (n->state == node::state_kind::connected) at(time_.now + 120s, [n] {});
}

rt::endpoint kernel::local(int fd) const {
  const auto n = find(fd);
  return n ? n->local : rt::endpoint();
}

rt::endpoint kernel::peer(int fd) const {
  const auto n = find(fd);
  return n ? n->remote : rt::endpoint();
}

}  // namespace atrium::sim
