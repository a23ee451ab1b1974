#include "apps/manage-action/worker.hpp"

#include <algorithm>
#include <set>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/backoff.hpp"

namespace atrium::manage_action {

namespace {

constexpr auto claim_pause = std::chrono::milliseconds(10);

bool is_cancelled(const failure& f) { return f.disposition() == disposition::cancelled; }

}  // namespace

rt::task<void> worker::run() {
  auto body = [this](rt::scope& s) -> rt::task<void> {
    s.spawn(listen(), "listen for requests");
    s.spawn(renew(), "renew leases");
    rt::backoff pause({.first = std::chrono::milliseconds(200), .longest = std::chrono::seconds(1)});
    for (;;) {
      rt::duration wait{};
      try {
        co_await claim(s);
        pause.reset();
      } catch (const failure& f) {
        if (is_cancelled(f)) throw;
        log::warn("requests could not be claimed", {{"error", f.error()}});
        wait = pause.next(rt::loop::current().now());
      }
      if (wait > rt::duration{}) co_await rt::sleep_for(wait);
      else co_await wait_for_work();
    }
  };
  co_await rt::with_scope(std::move(body));
}

rt::task<void> worker::listen() {
  for (;;) {
    co_await listener_.next();
    look_again_ = true;
    changed_.notify_all();
  }
}

/// Returns when there may be a request and there is room for it. While little of it is free, as in a crowd, claims are
/// at least claim_pause apart: one that takes ten requests costs the database little more than one that takes one.
rt::task<void> worker::wait_for_work() {
  const auto deadline = rt::loop::current().now() + options_.poll;
  for (;;) {
    const auto busy = running_.size();
    const bool room = busy < options_.parallel;
    const auto now = rt::loop::current().now();
    const auto due = busy * 4 > options_.parallel * 3 ? claimed_ + claim_pause : now;
    if (room && due <= now && (look_again_ || now >= deadline)) co_return;
    const auto limit = !room ? options_.poll : look_again_ ? due - now : std::max(due, deadline) - now;
    co_await changed_.wait_for(limit);
  }
}

rt::task<void> worker::claim(rt::scope& s) {
  look_again_ = false;
  claimed_ = rt::loop::current().now();
  const auto room = options_.parallel - std::min(options_.parallel, running_.size());
  if (room == 0) co_return;
  // Those of this replica that are not in hand: of a process before, or given up when the database was away, or their
  // claim's answer was lost.
  std::vector<domain::project_id> in_hand;
  for (const auto& [id, r] : running_) in_hand.push_back(id);
  auto claimed =
      co_await actions_.claim({options_.identity, options_.replica, in_hand}, static_cast<int>(room), options_.lease);
  if (claimed.size() == room) look_again_ = true;
  for (auto& a : claimed) {
    // A newer request for the same project replaces this entry; the older task has been overtaken then.
    if (auto older = running_.find(a.project_id); older != running_.end() && older->second.task)
      older->second.task->cancel(rt::cancel_reason::revoked);
    running_[a.project_id] = {a, nullptr};
    s.spawn(carry_out(std::move(a)), "carry out request");
  }
}

rt::task<void> worker::carry_out(store::claimed_action a) {
  static auto& active = metrics::get_gauge("atrium_manage_action_requests", "Requests being carried out");
  const auto id = a.project_id;
  const auto fence = a.fence;
  auto& task = co_await rt::this_task();
  const rt::trace_region traced(task, a.request.trace);
  const auto waited = domain::now() - a.request.time;
  log::info("request accepted", {{"project", id.view()},
                                 {"action", domain::to_string(a.request.action)},
                                 {"fence", fence},
                                 {"waited_ms", waited.count()}});
  const auto mine = running_.find(id);
  if (mine == running_.end() || mine->second.action.fence != fence) co_return;  // overtaken before it began
  mine->second.task = &task;
  active.set(static_cast<std::int64_t>(running_.size()));
  bool stopping = false;
  try {
    co_await executor_.carry_out(std::move(a));
  } catch (const failure& f) {
    if (is_cancelled(f)) stopping = true;
    else log::error("request broke off and will be claimed anew", {{"project", id.view()}, {"error", f.error()}});
  } catch (const std::exception& e) {
    log::error("request broke off", {{"project", id.view()}, {"what", e.what()}});
  }
  if (auto at = running_.find(id); at != running_.end() && at->second.action.fence == fence) running_.erase(at);
  active.set(static_cast<std::int64_t>(running_.size()));
  changed_.notify_all();
  if (!stopping) log::debug("request ended", {{"project", id.view()}, {"fence", fence}});
}

rt::task<void> worker::renew() {
  for (;;) {
    co_await rt::sleep_for(options_.lease / 3);
    if (running_.empty()) continue;
    try {
      co_await renew_once();
    } catch (const failure& f) {
      if (is_cancelled(f)) throw;
      log::warn("leases could not be renewed", {{"error", f.error()}});
    }
  }
}

rt::task<void> worker::renew_once() {
  std::vector<store::claimed_action> mine;
  for (const auto& [id, r] : running_) mine.push_back(r.action);
  const auto kept = co_await actions_.renew(options_.identity, mine, options_.lease);
  const std::set<std::int64_t> still(kept.begin(), kept.end());
  for (const auto& a : mine) {
    if (still.contains(a.fence)) continue;
    const auto at = running_.find(a.project_id);
    if (at == running_.end() || at->second.action.fence != a.fence || !at->second.task) continue;
    log::info("request was overtaken", {{"project", a.project_id.view()}, {"fence", a.fence}});
    at->second.task->cancel(rt::cancel_reason::revoked);
  }
}

}  // namespace atrium::manage_action
