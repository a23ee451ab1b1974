// The simulated kernel: event queue, clock, order of tasks. Sockets are in network.cpp.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "atrium/sim/simulation.hpp"
#include "simulated_kernel.hpp"

namespace atrium::sim {

using rt::detail::io_op;

/// One end of a connection, or a listener. Lives on after its descriptor is closed while the other end can notice.
struct node {
  enum class state_kind : std::uint8_t { fresh, connecting, connected, failed, listening } state = state_kind::fresh;
  int fd = -1;  ///< -1 once closed
  int family = 0;
  rt::endpoint local, remote;
  // connected
  std::weak_ptr<node> peer;
  std::string inbox;
  std::size_t on_the_way = 0;  ///< bytes sent and not delivered
  rt::time_point last_arrival{};
  bool end_seen = false, read_shut = false, write_shut = false;
  int error = 0;       ///< pending errno; of state failed: of the connect
  bool reset = false;  ///< no data passes any more
  // listening
  std::size_t backlog = 0;
  std::deque<std::shared_ptr<node>> arrived;

  std::vector<io_op*> waiting;
};

class kernel final : public rt::detail::simulated_kernel {
 public:
  explicit kernel(options);
  ~kernel() override;

  // backend
  void start(io_op&) noexcept override;
  void cancel(io_op&) noexcept override;
  void wait(rt::duration limit) noexcept override;
  void wake() noexcept override {}
  void forgotten(int) noexcept override {}

  // simulated_kernel
  long attempt(io_op&) noexcept override;
  long open_socket(int family) noexcept override;
  long connect(int fd, const rt::endpoint& to) noexcept override;
  long listen(int fd, const rt::endpoint& at, int backlog) noexcept override;
  std::pair<int, int> open_pair() noexcept override;
  long peek(int fd) noexcept override;
  void shutdown(int fd, int how) noexcept override;
  void close(int fd) noexcept override;
  rt::endpoint local(int fd) const override;
  rt::endpoint peer(int fd) const override;
  void on_turn() override;
  std::size_t choose(std::size_t ready) noexcept override;
  bool look_around() noexcept override;
  int inline_budget() noexcept override;
  void run_blocking(std::function<void()> work, std::function<void()> then) override;
  std::uint64_t random() noexcept override { return random_.next(); }
  void deadlock(const rt::loop&) override;

  void reset_connections(double share);
  void jump(rt::duration by) noexcept;

  options options_;
  sim::random random_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  rt::time_point origin_;
  std::map<int, std::shared_ptr<node>> descriptors_;  // ordered: what walks over it must not depend on addresses

 private:
  using node_ptr = std::shared_ptr<node>;

  void at(rt::time_point when, std::function<void()> what);
  void soon(std::function<void()> what) {
    at(time_.now + random_.between(rt::duration(0), std::chrono::microseconds(50)), std::move(what));
  }
  void run_events(rt::time_point until);
  void trace(const char* what, std::uint64_t a, std::uint64_t b = 0) noexcept;
  [[noreturn]] void give_up(const rt::loop&, const char* why);
  rt::duration latency();

  node_ptr make(int family);
  node_ptr find(int fd) const;
  long try_now(io_op&, node&) noexcept;
  long receive(node&, void* into, std::size_t size) noexcept;
  long send(const node_ptr&, std::string_view bytes) noexcept;
  long send_parts(const node_ptr&, const msghdr&) noexcept;
  long take_connection(node& listening) noexcept;
  void poke(const node_ptr&) noexcept;
  void arrive(const node_ptr& at, std::function<void(node&)> what);
  void deliver(const node_ptr& from, const node_ptr& to, std::string bytes);
  void reset(const node_ptr& from);
  void got_reset(const node_ptr&, int error);
  void syn(const node_ptr& client, const rt::endpoint& to, int tries);
  static void join(const node_ptr& a, const node_ptr& b);
  bool drop(io_op&) noexcept;

  rt::detail::virtual_time time_;
  std::map<std::pair<rt::time_point, std::uint64_t>, std::function<void()>> events_;
  std::unordered_map<const io_op*, std::pair<std::uint64_t, node_ptr>> started_;
  std::map<std::string, node_ptr> listeners_;
  std::uint64_t starts_ = 0, turns_ = 0;
  int next_fd_ = rt::detail::first_simulated_fd;
  std::uint16_t next_port_ = 40000;
  bool woke_ = false, tracing_ = false;
};

}  // namespace atrium::sim
