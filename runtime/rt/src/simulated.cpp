// How a loop turns when its kernel is simulated. Nothing here runs otherwise.
#include <random>

#include "simulated_kernel.hpp"

namespace atrium::rt {

namespace detail {
constinit thread_local simulated_kernel* simulation = nullptr;
}

std::uint64_t random_seed() {
  if (auto* s = detail::simulation) return s->random();
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

detail::ready_item* loop::take_ready(std::size_t index) noexcept {
  detail::ready_item* before = nullptr;
  auto* item = ready_head_;
  for (; index > 0; --index) before = std::exchange(item, item->next_ready);
  (before ? before->next_ready : ready_head_) = item->next_ready;
  if (item == ready_tail_) ready_tail_ = before;
  return item;
}

void loop::turn_simulated(const bool& done) {
  auto& kernel = *simulation_;
  kernel.on_turn();
  now_ = clock::now();
  timers_.advance(now_);
  run_posted();
  while (ready_head_) {
    std::size_t count = 0;
    for (auto* item = ready_head_; item; item = item->next_ready) ++count;
    inline_budget_ = kernel.inline_budget();
    resume(*take_ready(kernel.choose(count)));
    if (kernel.look_around()) break;
  }
  running_ = nullptr;
  run_deferred();
  if (done) return;
  if (ready_head_ || has_posted()) return kernel.wait(duration::zero());
  const auto due = timers_.next_due();
  const auto now = clock::now();
  if (due != time_point::max()) return kernel.wait(due > now ? due - now : duration::zero());
  kernel.wait(duration(-1));
  if (!ready_head_ && !has_posted()) kernel.deadlock(*this);
}

}  // namespace atrium::rt
