#include "atrium/sim/simulation.hpp"

#include "kernel.hpp"

namespace atrium::sim {

using namespace std::chrono_literals;

simulation::simulation(options o) {
  auto k = std::make_unique<kernel>(std::move(o));
  kernel_ = k.get();
  loop_ = std::make_unique<rt::loop>(std::move(k));
}

simulation::~simulation() = default;

sim::random& simulation::random() noexcept { return kernel_->random_; }
sim::faults& simulation::faults() noexcept { return kernel_->options_.faults; }
void simulation::heal() noexcept { kernel_->options_.faults = {}; }
void simulation::reset_connections(double share) { kernel_->reset_connections(share); }
void simulation::jump(rt::duration forward) noexcept { kernel_->jump(forward); }
rt::duration simulation::elapsed() const noexcept { return rt::clock::now() - kernel_->origin_; }
std::uint64_t simulation::trace_hash() const noexcept { return kernel_->hash_; }
std::size_t simulation::open_descriptors() const noexcept { return kernel_->descriptors_.size(); }

faults faults::any(sim::random& r) {
  faults f;
  const auto some = [&r](double most) {
    return r.chance(0.5) ? most * static_cast<double>(r.between(1, 100)) / 100 : 0;
  };
  if (r.chance(0.3)) f.latency_most = r.between(1ms, 200ms);
  f.slow = some(0.2);
  f.stall = some(0.01);
  f.short_transfer = some(0.8);
  f.would_block = some(0.5);
  f.reset = some(0.05);
  f.refuse = some(0.2);
  f.lost_connect = some(0.03);
  f.accept_emfile = some(0.2);
  f.accept_abort = some(0.1);
  f.late_cancel = some(1);
  f.clock_jump = some(0.005);
  f.wall_jump = some(0.001);
  if (r.chance(0.4)) f.buffer = r.between(1, 4096);
  return f;
}

std::string faults::text() const {
  char text[400];
  std::snprintf(
      text, sizeof text,
      "latency_us=%lld..%lld slow=%.3f stall=%.4f short=%.2f would_block=%.2f reset=%.4f refuse=%.3f lost_connect=%.3f "
      "emfile=%.3f abort=%.3f late_cancel=%.2f clock_jump=%.4f wall_jump=%.4f buffer=%zu",
      static_cast<long long>(latency_least / 1us), static_cast<long long>(latency_most / 1us), slow, stall,
      short_transfer, would_block, reset, refuse, lost_connect, accept_emfile, accept_abort, late_cancel, clock_jump,
      wall_jump, buffer);
  return text;
}

}  // namespace atrium::sim
