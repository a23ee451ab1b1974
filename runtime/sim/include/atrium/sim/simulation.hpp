/// @file simulation.hpp - a loop on a virtual clock, a seeded order and an in-memory network with faults. Layer: sim.
///
/// Everything that runs on the loop of a simulation and uses only rt (rt::clock, rt::wall_now, rt::random_seed,
/// sockets, timers, blocking()) is deterministic: the same seed gives the same trace. Time costs nothing: when no task
/// is ready it jumps to what is due next. Sockets are streams in memory: TCP and Unix addresses, backlog, half-close,
/// resets as Linux has them. Real descriptors (pipes, processes, libpq) do not work inside. blocking() runs its work
/// inline. After: FoundationDB's simulation (Zhou et al. 2021).
#pragma once

#include <memory>
#include <string>

#include "atrium/rt/loop.hpp"
#include "atrium/sim/random.hpp"

namespace atrium::sim {

/// What goes wrong and how often; probabilities are per occasion. All off by default.
struct faults {
  rt::duration latency_least = std::chrono::microseconds(20), latency_most = std::chrono::microseconds(500);
  double slow = 0;                  ///< a segment takes up to 100 times as long
  double stall = 0;                 ///< a segment takes 1 to 60 s
  double short_transfer = 0;        ///< send and receive move 1 .. n bytes
  double would_block = 0;           ///< an attempt says EAGAIN though it could go on
  double reset = 0;                 ///< a segment is cut at any byte and the connection reset
  double refuse = 0;                ///< a connection is refused
  double lost_connect = 0;          ///< a connection attempt times out after 30 s
  double accept_emfile = 0;         ///< accept says EMFILE
  double accept_abort = 0;          ///< the connection is gone when it is accepted (ECONNABORTED)
  double late_cancel = 0;           ///< a cancellation takes time, and a result that comes meanwhile wins
  double clock_jump = 0;            ///< a sleep lasts up to a minute longer (a stopped machine)
  double wall_jump = 0;             ///< the calendar's clock is set, up to a day to either side
  std::size_t buffer = 256 * 1024;  ///< bytes on their way or unread, each direction

  /// A random choice of some of them ("swarm testing", Groce et al. 2012).
  static faults any(random&);
  std::string text() const;
};

struct options {
  std::uint64_t seed = 1;
  sim::faults faults;
  /// Ends the process with the task tree when the run lasts longer than this in virtual time: something never ends.
  rt::duration limit = std::chrono::hours(24);
  /// Printed with it: how to see it again.
  std::string replay;
};

class kernel;

/// One at a time a thread. The loop and everything on it ends before it.
class simulation {
 public:
  explicit simulation(options);
  ~simulation();
  simulation(const simulation&) = delete;

  template <class T>
  T run(rt::task<T> body) {
    return loop_->run(std::move(body));
  }
  rt::loop& loop() noexcept { return *loop_; }
  /// For the choices of the test itself. Part of the same sequence of numbers.
  sim::random& random() noexcept;
  sim::faults& faults() noexcept;
  /// No further faults: what must hold "in the end" is asked after this.
  void heal() noexcept;
  /// Resets each open connection with probability `share`.
  void reset_connections(double share = 1);
  /// Sleeps of all tasks go on as if the machine had stood still for so long.
  void jump(rt::duration forward) noexcept;
  rt::duration elapsed() const noexcept;
  /// Of everything that happened, in order: equal for equal seeds.
  std::uint64_t trace_hash() const noexcept;
  /// Descriptors that are open: 0 at the end, else one leaked.
  std::size_t open_descriptors() const noexcept;

 private:
  kernel* kernel_;
  std::unique_ptr<rt::loop> loop_;
};

}  // namespace atrium::sim
