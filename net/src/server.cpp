#include "atrium/net/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/net/tls.hpp"
#include "atrium/rt/sync.hpp"
#include "server_connection.hpp"

namespace atrium::net {

struct http_server::state {
  class presence;
  server_shared shared;
  std::vector<connection_record*> connections;
  std::vector<rt::scope*> accepting;
  std::size_t serving = 0, admitted = 0;
  std::map<std::string, std::size_t> admitted_from;  ///< by network_of(); only with a limit for it
  rt::condition changed;
  metrics::counter& refused = metrics::get_counter("atrium_net_http_connections_refused_total",
                                                   "Connections refused because their address has too many");
  metrics::gauge& gauge = metrics::get_gauge("atrium_net_http_connections", "Open connections of the HTTP server");

  rt::task<void> accept(rt::listener& from, rt::scope& connected, tls_context* tls);
  rt::task<void> serve_admitted(rt::socket, tls_context* tls, std::string from);
  rt::task<void> serve_one(stream_ptr, tls_context* tls);
  // Not inlined: its frame would be a part of its caller's, which stays.
  [[gnu::noinline]] rt::task<std::unique_ptr<handed_over>> serve_requests(stream_ptr, tls_context* tls,
                                                                          connection_record&);
  rt::task<void> wait_empty();
};

namespace {

/// Adds something to a list for as long as this lives.
template <class T>
class listed {
 public:
  listed(std::vector<T*>& list, T& item, rt::condition& changed) : list_(list), item_(item), changed_(changed) {
    list_.push_back(&item_);
  }
  ~listed() {
    std::erase(list_, &item_);
    changed_.notify_all();
  }
  listed(const listed&) = delete;

 private:
  std::vector<T*>& list_;
  T& item_;
  rt::condition& changed_;
};

constexpr std::string_view too_many =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\n"
    "Content-Length: 84\r\n\r\n"
    R"({"error":"Too many connections from your address are open. Close some, then retry."})";

/// Whom a limit by address is for: an IPv4 address, or the /64 that an IPv6 client can choose its addresses from.
std::string network_of(const rt::endpoint& peer) {
  if (peer.family() != AF_INET6) return peer.host();
  const auto& a = reinterpret_cast<const sockaddr_in6*>(peer.address())->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&a)) return {reinterpret_cast<const char*>(&a), sizeof a};  // of an address for both
  return {reinterpret_cast<const char*>(&a), 8};
}

}  // namespace

/// A connection is known to drain() and counted for as long as this lives.
class http_server::state::presence {
 public:
  presence(state& s, connection_record& record) : state_(s), record_(record) {
    record.place = s.connections.size();
    s.connections.push_back(&record);
    s.gauge.add(1);
  }
  ~presence() {
    auto& all = state_.connections;
    all.back()->place = record_.place;  // the last one takes over its place
    all[record_.place] = all.back();
    all.pop_back();
    state_.gauge.add(-1);
    state_.changed.notify_all();
  }
  presence(const presence&) = delete;

 private:
  state& state_;
  connection_record& record_;
};

http_server::http_server(handler h, http_limits limits, trace_policy takes) : state_(std::make_unique<state>()) {
  state_->shared.handle = std::move(h);
  state_->shared.limits = limits;
  state_->shared.takes_trace = std::move(takes);
}
http_server::~http_server() {
  ATRIUM_ASSERT(state_->connections.empty() && state_->serving == 0,
                "a server is destroyed after its tasks have ended");
}

bool http_server::draining() const noexcept { return state_->shared.draining; }

rt::task<void> http_server::state::accept(rt::listener& from, rt::scope& connected, tls_context* tls) {
  while (true) {
    // Beyond the limit clients wait in the kernel's queue, which costs us nothing.
    while (admitted >= shared.limits.connections) co_await changed.wait();
    auto socket = co_await from.accept();
    std::string where;
    if (const auto most = shared.limits.connections_per_address) {
      where = network_of(socket.peer());
      if (admitted_from[where] >= most) {
        refused.add();
        // Nobody waits for such a client: what its socket's buffer takes at once is all that it is told.
        if (!tls) ::send(socket.fd(), too_many.data(), too_many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        continue;
      }
      ++admitted_from[where];
    }
    ++admitted;
    connected.spawn(serve_admitted(std::move(socket), tls, std::move(where)), "http connection");
  }
}

rt::task<void> http_server::state::serve_admitted(rt::socket socket, tls_context* tls, std::string from) {
  struct place {
    state& s;
    const std::string& from;
    ~place() {
      --s.admitted;
      if (const auto it = s.admitted_from.find(from); it != s.admitted_from.end() && --it->second == 0)
        s.admitted_from.erase(it);
      s.changed.notify_all();
    }
  } held{*this, from};
  co_await serve_one(make_stream(std::move(socket)), tls);
}

/// Nothing that happens on one connection may end the others. This frame lives as long as the connection does, upgraded
/// or not, so what only requests need is in those of serve_requests().
rt::task<void> http_server::state::serve_one(stream_ptr s, tls_context* tls) {
  auto& node = co_await rt::this_task();
  connection_record record(node);
  const presence here(*this, record);
  std::exception_ptr failed;
  try {
    if (const auto rest = co_await serve_requests(std::move(s), tls, record))
      co_await rest->session(std::move(rest->raw));
  } catch (...) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  if (!record.region.fired() && node.cancelled() != rt::cancel_reason::none) std::rethrow_exception(failed);
  // Cut by drain(): an orderly end. Gone or stalled clients are everyday life.
  if (!record.region.fired()) log::debug("connection ended", {{"error", error_of(failed)}});
}

rt::task<std::unique_ptr<handed_over>> http_server::state::serve_requests(stream_ptr s, tls_context* tls,
                                                                          connection_record& record) {
  if (tls) s = co_await rt::with_timeout(shared.limits.head_timeout, tls->handshake_server(std::move(s)));
  server_connection connection(shared, record, std::move(s));
  co_return co_await connection.run();
}

rt::task<void> http_server::serve(rt::listener& from, tls_context* tls) {
  auto& s = *state_;
  auto& node = co_await rt::this_task();
  rt::scope accepting(&node), connected(&node);
  ++s.serving;
  std::exception_ptr failed;
  {
    listed entry(s.accepting, accepting, s.changed);
    accepting.spawn(s.accept(from, connected, tls), "accept");
    if (s.shared.draining) accepting.cancel(rt::cancel_reason::shutdown);
    try {
      co_await accepting.join();
    } catch (...) {
      failed = std::current_exception();
    }
  }
  if (failed)
    connected.cancel(node.cancelled() == rt::cancel_reason::none ? rt::cancel_reason::sibling_failed
                                                                 : node.cancelled());
  try {
    co_await connected.join();
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  --s.serving;
  s.changed.notify_all();
  if (failed) std::rethrow_exception(failed);
}

rt::task<void> http_server::serve_connection(stream_ptr stream) {
  return state_->serve_one(std::move(stream), nullptr);
}

rt::task<void> http_server::state::wait_empty() {
  while (!connections.empty() || serving > 0) co_await changed.wait();
}

rt::task<void> http_server::drain(rt::duration grace) {
  auto& s = *state_;
  s.shared.draining = true;
  for (auto* a : s.accepting) a->cancel(rt::cancel_reason::shutdown);
  for (auto* c : s.connections)
    if (c->idle && c->stream) c->stream->abort();
  if (co_await rt::in_time(grace, s.wait_empty())) co_return;
  log::warn("connections cut after the grace period", {{"connections", s.connections.size()}});
  for (auto* c : s.connections) c->region.cancel(rt::cancel_reason::shutdown);
  co_await s.wait_empty();
}

}  // namespace atrium::net
