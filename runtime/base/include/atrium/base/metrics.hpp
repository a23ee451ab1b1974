/// @file metrics.hpp - counters, gauges and histograms of one process, written as Prometheus text. Layer: base.
/// Names are `atrium_<layer>_<noun>_<unit>[_total]` and are an interface: they stand in a golden file.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace atrium::metrics {

/// Only grows. add() from any thread; one relaxed atomic.
class counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. Any thread.
class gauge {
 public:
  void set(std::int64_t v) noexcept { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Counts observations in seconds by fixed upper bounds (0.5 ms to 60 s). Any thread.
class histogram {
 public:
  static constexpr double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                      0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
  void observe(double seconds) noexcept;
  static constexpr std::size_t buckets = std::size(bounds) + 1;
  /// The bucket that observe() would count in; the last one is for what is longer than every bound.
  static std::size_t bucket_of(double seconds) noexcept;
  /// Adds what somebody has counted by itself: how many observations a bucket, and the sum of all.
  void add(std::span<const std::uint64_t, buckets> counts, std::uint64_t sum_micros) noexcept;
  void write(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::atomic<std::uint64_t> buckets_[buckets] = {};
  std::atomic<std::uint64_t> micros_{0};
};

using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Finds or makes the metric of that name and labels; the reference stays good for the life of the process.
/// Takes a lock: look up once (a static or a member), not at every use.
counter& get_counter(std::string_view name, std::string_view help, labels = {});
gauge& get_gauge(std::string_view name, std::string_view help, labels = {});
histogram& get_histogram(std::string_view name, std::string_view help, labels = {});

/// All metrics in the Prometheus text format 0.0.4, sorted by name.
std::string text();

}  // namespace atrium::metrics
