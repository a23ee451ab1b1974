/// @file work_queue.hpp - keys to be worked on: each once at a time, with back-off of its own after failures. Layer:
/// k8s.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "atrium/base/metrics.hpp"
#include "atrium/rt/scope.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::k8s {

/// I/O-free core. A key that is added while it is worked on is worked on once more afterwards; adding twice is once.
class work_queue_core {
 public:
  explicit work_queue_core(rt::duration first = std::chrono::milliseconds(5),
                           rt::duration longest = std::chrono::seconds(1000))
      : first_(first), longest_(longest) {}

  void add(const std::string& key, rt::time_point now = rt::clock::now());
  /// Adds it at `when`, or earlier when it was already to come earlier.
  void add_at(const std::string& key, rt::time_point when);
  /// Adds it after its back-off: first * 2^failures, at most longest. Gives that wait.
  rt::duration add_after_failure(const std::string& key, rt::time_point now);
  /// Its back-off starts again.
  void forget(const std::string& key) { failures_.erase(key); }
  unsigned failures(const std::string& key) const;

  /// The next key that is due, now being worked on until done().
  std::optional<std::string> take(rt::time_point now);
  void done(const std::string& key, rt::time_point now = rt::clock::now());
  /// How long the key that take() gave last had been ready.
  rt::duration last_wait() const noexcept { return last_wait_; }

  /// When take() may give something without another add(); max() when nothing waits for time. min() when one is ready.
  rt::time_point next_due() const;
  std::size_t waiting() const noexcept { return ready_.size() + delayed_.size(); }

 private:
  void promote(rt::time_point now);
  rt::duration first_, longest_;
  struct ready_key {
    std::string key;
    rt::time_point since;
  };
  std::deque<ready_key> ready_;
  rt::duration last_wait_{};
  std::unordered_set<std::string> dirty_, processing_;
  std::set<std::pair<rt::time_point, std::string>> delayed_;
  std::unordered_map<std::string, rt::time_point> delayed_at_;
  std::unordered_map<std::string, unsigned> failures_;
};

/// What a queue tells: atrium_k8s_queue_keys, _wait_seconds and _failures_total, each with `queue`.
class work_queue_metrics {
 public:
  explicit work_queue_metrics(const std::string& queue);
  /// After take() gave a key.
  void taken(const work_queue_core&) noexcept;
  void failed() noexcept { failures_.add(); }

 private:
  metrics::gauge& keys_;
  metrics::histogram& wait_;
  metrics::counter& failures_;
};

/// The queue with workers. @thread one loop
class work_queue {
 public:
  explicit work_queue(std::string name, rt::duration first = std::chrono::milliseconds(5),
                      rt::duration longest = std::chrono::seconds(1000))
      : name_(std::move(name)), core_(first, longest) {}

  void add(const std::string& key);
  void add_after(const std::string& key, rt::duration wait);

  /// What a handler says at the end: nothing (done), or when to look at the key again.
  struct again {
    std::optional<rt::duration> after;
  };
  /// Runs `workers` tasks until cancelled. A failure thrown by the handler is logged and the key comes back after its
  /// back-off; cancellation ends the worker and is not a failure.
  rt::task<void> run(unsigned workers, std::function<rt::task<again>(std::string key)> handler);

  std::size_t waiting() const noexcept { return core_.waiting(); }

 private:
  rt::task<void> work(std::function<rt::task<again>(std::string)>& handler);
  rt::task<std::string> next();
  std::string name_;
  work_queue_core core_;
  rt::condition changed_;
};

}  // namespace atrium::k8s
