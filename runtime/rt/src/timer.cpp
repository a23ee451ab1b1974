#include "atrium/rt/timer.hpp"

#include <bit>

namespace atrium::rt {
namespace {
constexpr std::uint64_t farthest = (1ull << 36) - 1;
}

void timer_entry::unlink() noexcept {
  if (!next_) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

timer_wheel::timer_wheel(time_point origin) noexcept : origin_(origin) {
  for (auto& level : heads_)
    for (auto& head : level) head.previous_ = head.next_ = &head;
}

std::uint64_t timer_wheel::tick_at(time_point t) const noexcept {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(t - origin_).count();
  return ms < 0 ? 0 : static_cast<std::uint64_t>(ms);
}

void timer_wheel::insert(timer_entry& entry) noexcept {
  // The level is that of the highest bit in which the entry's tick differs from now: all lower bits cascade later.
  const auto differing = entry.tick_ ^ now_tick_;
  unsigned level = differing ? static_cast<unsigned>(std::bit_width(differing) - 1) / slot_bits : 0;
  if (level >= levels) level = levels - 1;
  auto& head = heads_[level][(entry.tick_ >> (level * slot_bits)) & (slots - 1)];
  entry.previous_ = head.previous_;
  entry.next_ = &head;
  head.previous_->next_ = &entry;
  head.previous_ = &entry;
}

void timer_wheel::arm(timer_entry& entry, time_point when) noexcept {
  entry.unlink();
  const auto limit = origin_ + std::chrono::milliseconds(now_tick_ + farthest);
  std::uint64_t tick = when >= limit ? now_tick_ + farthest : tick_at(when) + 1;  // rounded up: never early
  if (tick <= now_tick_) tick = now_tick_ + 1;
  entry.tick_ = tick;
  insert(entry);
}

void timer_wheel::advance(time_point now) noexcept {
  const auto target = tick_at(now);
  while (now_tick_ < target) {
    // Skip empty stretches: jump to the next occupied slot of level 0, or to the end of its turn.
    const auto turn_end = (now_tick_ | (slots - 1));
    std::uint64_t next = now_tick_ + 1;
    while (next <= turn_end && next < target && heads_[0][next & (slots - 1)].next_ == &heads_[0][next & (slots - 1)]) ++next;
    now_tick_ = next < target ? next : target;
    if (now_tick_ > turn_end) now_tick_ = turn_end + 1;
    for (unsigned level = 1; level < levels; ++level) {  // entering a new slot of a higher level: cascade it down
      if (now_tick_ & ((1ull << (level * slot_bits)) - 1)) break;
      auto& head = heads_[level][(now_tick_ >> (level * slot_bits)) & (slots - 1)];
      while (head.next_ != &head) {
        auto& entry = *head.next_;
        entry.unlink();
        insert(entry);
      }
    }
    auto& due = heads_[0][now_tick_ & (slots - 1)];
    while (due.next_ != &due) {
      auto& entry = *due.next_;
      entry.unlink();
      entry.fire_(entry);
    }
  }
}

time_point timer_wheel::next_due() const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    const auto base = now_tick_ >> (level * slot_bits);
    const auto position = base & (slots - 1);
    // Slots before the current position of this level belong to its next turn, which a higher level holds.
    for (auto i = position + (level == 0 ? 1 : 1); i < slots; ++i)
      if (heads_[level][i].next_ != &heads_[level][i])
        return origin_ + std::chrono::milliseconds(((base & ~std::uint64_t{slots - 1}) | i) << (level * slot_bits));
  }
  // Entries clamped into the top level can sit in wrapped slots: wake at the end of its turn and look again.
  for (const auto& head : heads_[levels - 1])
    if (head.next_ != &head) return origin_ + std::chrono::milliseconds(now_tick_ + (1ull << ((levels - 1) * slot_bits)));
  return time_point::max();
}

}  // namespace atrium::rt
