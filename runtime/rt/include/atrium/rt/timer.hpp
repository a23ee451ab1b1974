/// @file timer.hpp - a hierarchical timing wheel (Varghese & Lauck 1987): O(1) arm and cancel, no system call a timer.
/// Layer: rt. I/O-free: time comes in as an argument.
#pragma once

#include <cstdint>
#include <limits>

#include "atrium/rt/task_node.hpp"

namespace atrium::rt {

/// Intrusive. Disarmed by its destructor.
class timer_entry {
 public:
  using callback = void (*)(timer_entry&) noexcept;
  explicit timer_entry(callback fire) noexcept : fire_(fire) {}
  ~timer_entry() { unlink(); }
  timer_entry(const timer_entry&) = delete;
  bool armed() const noexcept { return next_ != nullptr; }

 private:
  friend class timer_wheel;
  timer_entry() noexcept = default;
  void unlink() noexcept;
  callback fire_ = nullptr;
  timer_entry *previous_ = nullptr, *next_ = nullptr;
  std::uint64_t tick_ = 0;
};

/// Resolution 1 ms; never fires early; range 2^36 ms (two years), later times are clamped to it.
class timer_wheel {
 public:
  explicit timer_wheel(time_point origin) noexcept;
  /// Arms or re-arms `entry` for `when` (rounded up to a tick; a past time fires at the next advance()).
  void arm(timer_entry& entry, time_point when) noexcept;
  void cancel(timer_entry& entry) noexcept { entry.unlink(); }
  /// Fires everything due at `now`, in order of ticks. Callbacks may arm and cancel.
  void advance(time_point now) noexcept;
  /// A time not later than the next due timer's, or time_point::max() when none is armed.
  time_point next_due() const noexcept;
  /// How many entries are armed. Walks them all: for a look at metrics.
  std::size_t count() const noexcept;

 private:
  static constexpr unsigned slot_bits = 6, slots = 1u << slot_bits, levels = 6;
  std::uint64_t tick_at(time_point) const noexcept;
  void insert(timer_entry&) noexcept;
  void cascade(timer_entry& head) noexcept;

  time_point origin_;
  std::uint64_t now_tick_ = 0;
  timer_entry heads_[levels][slots];
  // A bit a slot: clear means empty. Set when an entry comes, cleared when the slot is next found empty.
  mutable std::uint64_t occupied_[levels] = {};
};

}  // namespace atrium::rt
