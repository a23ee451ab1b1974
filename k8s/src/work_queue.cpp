#include "atrium/k8s/work_queue.hpp"

#include <algorithm>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::k8s {

void work_queue_core::add(const std::string& key, rt::time_point now) {
  if (auto at = delayed_at_.find(key); at != delayed_at_.end()) {
    delayed_.erase({at->second, key});
    delayed_at_.erase(at);
  }
  if (!dirty_.insert(key).second) return;
  if (!processing_.contains(key)) ready_.push_back({key, now});
}

void work_queue_core::add_at(const std::string& key, rt::time_point when) {
  if (dirty_.contains(key)) return;
  auto [at, fresh] = delayed_at_.try_emplace(key, when);
  if (!fresh) {
    if (at->second <= when) return;
    delayed_.erase({at->second, key});
    at->second = when;
  }
  delayed_.emplace(when, key);
}

rt::duration work_queue_core::add_after_failure(const std::string& key, rt::time_point now) {
  unsigned& count = failures_[key];
  rt::duration wait = first_;
  for (unsigned i = 0; i < count && wait < longest_; ++i) wait *= 2;
  wait = std::min(wait, longest_);
  ++count;
  add_at(key, now + wait);
  return wait;
}

unsigned work_queue_core::failures(const std::string& key) const {
  const auto at = failures_.find(key);
  return at == failures_.end() ? 0 : at->second;
}

void work_queue_core::promote(rt::time_point now) {
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    std::string key = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    delayed_at_.erase(key);
    add(key, now);
  }
}

std::optional<std::string> work_queue_core::take(rt::time_point now) {
  promote(now);
  if (ready_.empty()) return std::nullopt;
  std::string key = std::move(ready_.front().key);
  last_wait_ = now - ready_.front().since;
  ready_.pop_front();
  dirty_.erase(key);
  processing_.insert(key);
  return key;
}

void work_queue_core::done(const std::string& key, rt::time_point now) {
  processing_.erase(key);
  if (dirty_.contains(key)) ready_.push_back({key, now});
}

rt::time_point work_queue_core::next_due() const {
  if (!ready_.empty()) return rt::time_point::min();
  return delayed_.empty() ? rt::time_point::max() : delayed_.begin()->first;
}

work_queue_metrics::work_queue_metrics(const std::string& queue)
    : keys_(metrics::get_gauge("atrium_k8s_queue_keys", "Keys that wait in a work queue", {{"queue", queue}})),
      wait_(metrics::get_histogram("atrium_k8s_queue_wait_seconds", "How long a key was ready before it was worked on",
                                   {{"queue", queue}})),
      failures_(
          metrics::get_counter("atrium_k8s_queue_failures_total", "Keys whose handling failed", {{"queue", queue}})) {}

void work_queue_metrics::taken(const work_queue_core& q) noexcept {
  keys_.set(static_cast<std::int64_t>(q.waiting()));
  wait_.observe(std::max(0.0, std::chrono::duration<double>(q.last_wait()).count()));
}

void work_queue::add(const std::string& key) {
  core_.add(key);
  changed_.notify_all();
}

void work_queue::add_after(const std::string& key, rt::duration wait) {
  core_.add_at(key, rt::loop::current().now() + wait);
  changed_.notify_all();
}

rt::task<std::string> work_queue::next() {
  for (;;) {
    const auto now = rt::loop::current().now();
    if (auto key = core_.take(now)) co_return std::move(*key);
    const auto due = core_.next_due();
    if (due == rt::time_point::max()) co_await changed_.wait();
    else co_await changed_.wait_for(due - now);
  }
}

rt::task<void> work_queue::work(std::function<rt::task<again>(std::string)>& handler) {
  work_queue_metrics numbers(name_);
  for (;;) {
    std::string key = co_await next();
    numbers.taken(core_);
    std::exception_ptr failed;
    again what;
    try {
      what = co_await handler(key);
    } catch (...) {
      failed = std::current_exception();
    }
    const auto now = rt::loop::current().now();
    if (!failed) {
      core_.forget(key);
      if (what.after) core_.add_at(key, now + *what.after);
    } else if (const auto e = error_of(failed); e.disposition() == disposition::cancelled) {
      core_.done(key);
      std::rethrow_exception(failed);
    } else {
      numbers.failed();
      const auto wait = core_.add_after_failure(key, now);
      log::warn("work failed", {{"queue", name_},
                                {"key", key},
                                {"error", e},
                                {"again_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()}});
    }
    core_.done(key);
    changed_.notify_all();
  }
}

rt::task<void> work_queue::run(unsigned workers, std::function<rt::task<again>(std::string)> handler) {
  rt::scope s(&co_await rt::this_task());
  for (unsigned i = 0; i < workers; ++i) s.spawn(work(handler), "work queue");
  co_await s.join();
}

}  // namespace atrium::k8s
