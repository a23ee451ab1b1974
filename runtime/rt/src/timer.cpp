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
  const auto slot = (entry.tick_ >> (level * slot_bits)) & (slots - 1);
  occupied_[level] |= std::uint64_t{1} << slot;
  auto& head = heads_[level][slot];
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

void timer_wheel::cascade(timer_entry& head) noexcept {
  if (head.next_ == &head) return;
  timer_entry taken;  // taken out first: an entry may come back into the same slot of the top level
  taken.next_ = head.next_;
  taken.previous_ = head.previous_;
  taken.next_->previous_ = taken.previous_->next_ = &taken;
  head.next_ = head.previous_ = &head;
  while (taken.next_ != &taken) {
    auto& entry = *taken.next_;
    entry.unlink();
    insert(entry);
  }
}

void timer_wheel::advance(time_point now) noexcept {
  const auto target = tick_at(now);
  while (now_tick_ < target) {
    const auto due = next_due();
    if (due == time_point::max() || tick_at(due) > target) {
      now_tick_ = target;  // nothing lies between: no slot is entered that holds an entry
      return;
    }
    now_tick_ = tick_at(due);
    for (unsigned level = levels - 1; level > 0; --level)
      if ((now_tick_ & ((1ull << (level * slot_bits)) - 1)) == 0)
        cascade(heads_[level][(now_tick_ >> (level * slot_bits)) & (slots - 1)]);
    auto& head = heads_[0][now_tick_ & (slots - 1)];
    while (head.next_ != &head) {
      auto& entry = *head.next_;
      entry.unlink();
      entry.fire_(entry);
    }
  }
}

std::size_t timer_wheel::count() const noexcept {
  std::size_t n = 0;
  for (const auto& level : heads_)
    for (const auto& head : level)
      for (const auto* e = head.next_; e != &head; e = e->next_) ++n;
  return n;
}

time_point timer_wheel::next_due() const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    const auto base = now_tick_ >> (level * slot_bits);
    const auto position = base & (slots - 1);
    // Slots before the current position of this level belong to its next turn, which a higher level holds.
    const auto later = position + 1 < slots ? ~std::uint64_t{0} << (position + 1) : 0;
    while (const auto candidates = occupied_[level] & later) {
      const auto i = static_cast<std::uint64_t>(std::countr_zero(candidates));
      if (heads_[level][i].next_ != &heads_[level][i])
        return origin_ + std::chrono::milliseconds(((base & ~std::uint64_t{slots - 1}) | i) << (level * slot_bits));
      occupied_[level] &= ~(std::uint64_t{1} << i);
    }
  }
  // Entries clamped into the top level can sit in wrapped slots: wake at the end of its turn and look again.
  for (const auto& head : heads_[levels - 1])
    if (head.next_ != &head)
      return origin_ +
             std::chrono::milliseconds(((now_tick_ >> ((levels - 1) * slot_bits)) + 1) << ((levels - 1) * slot_bits));
  return time_point::max();
}

}  // namespace atrium::rt
