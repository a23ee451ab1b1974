#include "apps/manage-state/keeper.hpp"

#include <algorithm>

#include "apps/manage-state/early_ready.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/backoff.hpp"

namespace atrium::manage_state {

namespace {

constexpr std::size_t batch_size = 500;

rt::time_point loop_now() { return rt::loop::current().now(); }

}  // namespace

keeper::keeper(pod_cache& pods, pod_events& events, store::project_actions& actions, store::worker_leaders& leaders,
               rt::duration resync)
    : pods_(pods),
      events_(events),
      actions_(actions),
      leaders_(leaders),
      early_(std::make_unique<early_ready>(pods, [this](domain::project_id id) { mark(id); })),
      resync_(resync) {
  pods_.on_change([this](domain::project_id id) { mark(id); });
  events_.on_change([this](domain::project_id id) { mark(id); });
}

decision keeper::decide_now(const store::project_actions::observed& row) const {
  const auto* pod = pods_.find(row.project_id);
  if (!pod) return decide(row, nullptr, domain::now(), {});
  if (!early_->answers(*pod)) return decide(row, pod, domain::now(), events_.reason(*pod));
  auto answering = *pod;
  answering.ready = true;
  return decide(row, &answering, domain::now(), events_.reason(*pod));
}

keeper::~keeper() = default;

void keeper::mark(domain::project_id id) {
  if (!dirty_) return;
  dirty_->add(id.str());
  changed_.notify_all();
}

/// Only those for which something is to do: of tens of thousands that is none, most of the time.
rt::task<void> keeper::mark_all() {
  const auto rows = co_await actions_.with_pods();
  std::vector<domain::project_id> known;
  known.reserve(rows.size());
  for (const auto& row : rows) {
    const auto* pod = pods_.find(row.project_id);
    const auto d = decide_now(row);
    if (d.write || d.look_again || d.give_up || (pod && early_ready::is_awaited(*pod))) mark(row.project_id);
    known.push_back(row.project_id);
    if (known.size() % batch_size == 0) co_await rt::sleep_for({});  // a turn of the loop
  }
  std::sort(known.begin(), known.end());
  pods_.for_each([&](const pod_view& p) {
    if (!std::binary_search(known.begin(), known.end(), p.project)) mark(p.project);
  });
}

rt::task<void> keeper::resync() {
  for (;;) {
    rt::duration wait = resync_;
    try {
      co_await mark_all();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("projects could not be read", {{"error", f.error()}});
      wait = std::chrono::seconds(1);
    }
    co_await rt::sleep_for(wait);
  }
}

/// Waits out a database that is away: whoever leads must not give up because of it.
rt::task<void> keeper::claim() {
  rt::backoff pause({.first = std::chrono::milliseconds(100), .longest = std::chrono::seconds(1)});
  for (;;) {
    rt::duration wait{};
    try {
      if (co_await leaders_.claim(fence_)) co_return;
      throw failure(error(disposition::conflict, "Another replica leads this worker by now.")
                        .with_code(std::string(store::code_not_leading)));
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled || f.error().code() == store::code_not_leading) throw;
      log::warn("leadership could not be written", {{"error", f.error()}});
      wait = pause.next(loop_now());
    }
    co_await rt::sleep_for(wait);
  }
}

rt::task<void> keeper::lead(std::int64_t token) {
  co_await pods_.wait_synced();
  fence_.token = token;
  co_await claim();
  dirty_.emplace();
  std::exception_ptr failed;
  rt::scope s(&co_await rt::this_task());
  s.spawn(resync(), "compare all");
  s.spawn(work(s), "write states");
  s.spawn(events_.run(), "read events");
  try {
    co_await s.join();
  } catch (...) {
    failed = std::current_exception();
  }
  dirty_.reset();
  early_->forget_all();
  if (failed) std::rethrow_exception(failed);
}

rt::task<void> keeper::work(rt::scope& tasks) {
  k8s::work_queue_metrics numbers("project states");
  rt::backoff pause({.first = std::chrono::milliseconds(100), .longest = std::chrono::seconds(1)});
  for (;;) {
    std::vector<domain::project_id> batch;
    while (batch.size() < batch_size)
      if (auto key = dirty_->take(loop_now())) {
        batch.push_back(domain::project_id::of(*key));
        numbers.taken(*dirty_);
      } else {
        break;
      }
    if (batch.empty()) {
      const auto due = dirty_->next_due();
      if (due == rt::time_point::max()) co_await changed_.wait();
      else co_await changed_.wait_for(due - loop_now());
      continue;
    }
    rt::duration wait{};
    try {
      co_await write_batch(batch, tasks);
      pause.reset();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled || f.error().code() == store::code_not_leading) throw;
      log::warn("states could not be written", {{"error", f.error()}, {"projects", batch.size()}});
      for (const auto& id : batch) dirty_->add(id.str());
      wait = pause.next(loop_now());
    }
    for (const auto& id : batch) dirty_->done(id.str());
    if (wait > rt::duration{}) co_await rt::sleep_for(wait);
  }
}

/// What was written, each with the trace of the action that made its pod.
void keeper::record(const std::vector<store::state_update>& updates, const std::set<domain::project_id>& written,
                    rt::task_node& node) const {
  for (const auto& u : updates) {
    if (!written.contains(u.project_id)) continue;
    const auto* pod = pods_.find(u.project_id);
    const rt::trace_region traced(node, pod ? pod->traced : trace::id{});
    std::string phases;
    for (const auto& [phase, time] : u.timeline)
      phases.append(phases.empty() ? "" : " ").append(domain::to_string(phase));
    log::info("project state", {{"project", u.project_id.view()},
                                {"state", u.state ? domain::to_string(u.state->state) : "as it was"},
                                {"phases", phases},
                                {"reason", u.state ? u.state->error : u.failure_reason},
                                {"scheduler", pod ? pod->no_room : ""}});
  }
}

rt::task<void> keeper::write_batch(std::vector<domain::project_id> batch, rt::scope& tasks) {
  const auto rows = co_await actions_.observe(batch);
  std::vector<store::state_update> updates;
  std::vector<domain::project_id> give_up;
  for (const auto& row : rows) {
    const auto* pod = pods_.find(row.project_id);
    if (pod) early_->look(tasks, *pod);
    else early_->forget(row.project_id);
    auto d = decide_now(row);
    if (d.give_up) give_up.push_back(row.project_id);
    if (d.look_again) dirty_->add_at(row.project_id.str(), loop_now() + *d.look_again);
    if (d.write) updates.push_back(std::move(*d.write));
  }
  if (!updates.empty()) co_await write(updates);
  // After the reason is written, which a request to stop leaves as it is.
  for (const auto& id : give_up) co_await actions_.request_by_system(id, domain::action_name::stop);
}

rt::task<void> keeper::write(const std::vector<store::state_update>& updates) {
  static auto& writes =
      metrics::get_counter("atrium_manage_state_writes_total", "States and timelines of projects written");
  const auto changed = co_await actions_.set_states(updates, fence_);
  writes.add(changed.size());
  record(updates, {changed.begin(), changed.end()}, co_await rt::this_task());
  // What a fence or another state refused is looked at again with fresh eyes.
  if (changed.size() == updates.size()) co_return;
  const std::set<domain::project_id> done(changed.begin(), changed.end());
  for (const auto& u : updates)
    if (u.state && !done.contains(u.project_id))
      dirty_->add_at(u.project_id.str(), loop_now() + std::chrono::milliseconds(200));
}

}  // namespace atrium::manage_state
