/// @file loop_pulse.hpp - what a loop is doing right now, readable by another thread. Layer: rt, for loop.hpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <source_location>

#include "atrium/rt/clock.hpp"

namespace atrium::rt::detail {

/// Written by the loop's thread with relaxed stores, read by a stall_watch. What is read while the loop moves on may be
/// a mixture of two tasks: good only when `resumes` is the same before and after, and has been for a while.
class loop_pulse {
 public:
  /// A turn begins (or the loop is about to do something that is no task's).
  void begin_turn(time_point now) noexcept {
    began_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    if (parked_.load(std::memory_order_relaxed)) [[unlikely]]
      unpark();
  }
  void sleep() noexcept { began_.store(0, std::memory_order_relaxed); }
  /// The loop is in the hands of this task from now on. Name and place are constants of the program.
  void run(const char* name, std::source_location where) noexcept {
    name_.store(name, std::memory_order_relaxed);
    where_.store(where, std::memory_order_relaxed);
    resumes_.store(resumes_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  struct sight {
    std::int64_t began = 0;  ///< of the turn; 0: the loop sleeps
    std::uint64_t resumes = 0;
    const char* name = nullptr;
    std::source_location where;
  };
  sight look() const noexcept {
    return {began_.load(std::memory_order_relaxed), resumes_.load(std::memory_order_relaxed),
            name_.load(std::memory_order_relaxed), where_.load(std::memory_order_relaxed)};
  }

  /// The task that a watch saw in a turn that took too long; the loop reads it when that turn has ended.
  void accuse(const sight& s) noexcept {
    const std::lock_guard lock(mutex);
    accused_ = s;
  }
  sight accused() noexcept {
    const std::lock_guard lock(mutex);
    return accused_;
  }

  /// A watch that sleeps until the next turn; see stall_watch.
  void park() noexcept { parked_.store(true, std::memory_order_relaxed); }
  bool parked() const noexcept { return parked_.load(std::memory_order_relaxed); }
  std::mutex mutex;
  std::condition_variable changed;
  bool watch_ends = false;  // under mutex

 private:
  void unpark() noexcept {
    {
      const std::lock_guard lock(mutex);
      parked_.store(false, std::memory_order_relaxed);
    }
    changed.notify_all();
  }

  std::atomic<std::int64_t> began_{0};
  std::atomic<std::uint64_t> resumes_{0};
  std::atomic<const char*> name_{nullptr};
  std::atomic<std::source_location> where_{};
  std::atomic<bool> parked_{false};
  sight accused_;
};

}  // namespace atrium::rt::detail
