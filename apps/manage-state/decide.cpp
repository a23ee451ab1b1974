#include "apps/manage-state/decide.hpp"

#include "apps/manage-state/trouble.hpp"

namespace atrium::manage_state {

namespace {

using domain::action_name;
using domain::start_phase;
using domain::state_name;
using observed = store::project_actions::observed;
using std::chrono::milliseconds;

struct context {
  const observed& row;
  const pod_view* pod;
  domain::timestamp now;
  std::string_view event;

  state_name state() const { return row.state.state; }
  bool pending() const { return row.action_request && row.action_request->pending(); }
  bool wants_start() const { return row.action_request && row.action_request->action != action_name::stop; }
  /// Since the last request was done; very long when there was none.
  milliseconds since_finished() const {
    if (!row.action_request || !row.action_request->finished) return std::chrono::hours(24 * 365);
    return now - *row.action_request->finished;
  }
};

decision later(milliseconds wait) { return {std::nullopt, std::max(wait, milliseconds(1))}; }

store::state_update update(const context& c) {
  store::state_update u{.project_id = c.row.project_id, .fence = c.row.fence};
  u.only_from = {c.state()};
  return u;
}

void set_state(store::state_update& u, const context& c, state_name state, std::string ip = {},
               std::string error = {}) {
  domain::project_state s{.state = state, .time = c.now, .ip = std::move(ip), .error = std::move(error)};
  // The store compares without the time, but a timeline to write would carry a needless new time along.
  if (s.state == c.row.state.state && s.ip == c.row.state.ip && s.error == c.row.state.error) return;
  u.state = std::move(s);
}

/// Kubernetes' times have whole seconds. What we see within two seconds gets the time at which we see it.
domain::timestamp precise(domain::timestamp said, domain::timestamp now) {
  return now - said < std::chrono::seconds(2) ? now : said;
}

void add_timeline(store::state_update& u, const context& c) {
  const auto& p = *c.pod;
  if (p.scheduled) u.timeline.emplace_back(start_phase::scheduled, precise(*p.scheduled, c.now));
  // The pod has no time for it: it is when we see the image there. Not seen before the container runs: left out.
  if (p.image_here) u.timeline.emplace_back(start_phase::pulled, c.now);
  if (p.started) u.timeline.emplace_back(start_phase::started, precise(*p.started, c.now));
  if (p.ready) u.timeline.emplace_back(start_phase::ready, precise(p.became_ready.value_or(c.now), c.now));
}

decision finished(store::state_update u, std::optional<milliseconds> again = {}) {
  if (!u.state && u.timeline.empty() && u.failure_reason.empty()) return {std::nullopt, again};
  return {std::move(u), again};
}

void fail_start(store::state_update& u, const context& c, const std::string& reason) {
  if (!c.wants_start() || c.state() == state_name::running || c.state() == state_name::stopping) return;
  if (u.failure_reason.empty()) u.timeline.emplace_back(start_phase::failed, c.now);
  u.failure_reason = reason;
}

decision without_pod(const context& c) {
  if (!domain::has_pod(c.state())) return {};
  if (c.pending() && c.wants_start()) return {};  // manage-action makes it
  if (c.state() == state_name::starting && c.wants_start() && c.since_finished() < unseen_limit)
    return later(unseen_limit - c.since_finished());
  auto u = update(c);
  std::string error;
  // A pod that ended without anybody asking for it: evicted, drained, deleted by an administrator.
  if (!c.pending() && (c.state() != state_name::stopping || c.wants_start())) {
    error = "The project was stopped by the cluster. Start it again.";
    fail_start(u, c, error);
  }
  set_state(u, c, state_name::opened, {}, std::move(error));
  return finished(std::move(u));
}

decision ending_pod(const context& c) {
  if (c.pending() && c.wants_start()) return {};  // manage-action waits for its end
  auto u = update(c);
  if (c.pod->over && !c.pod->terminating) {
    const auto t = trouble_of(*c.pod);
    if (!domain::has_pod(c.state())) return {};
    fail_start(u, c, t.sentence);
    set_state(u, c, state_name::opened, {}, t.sentence);
  } else if (domain::has_pod(c.state())) {
    set_state(u, c, state_name::stopping);
  }
  return finished(std::move(u));
}

/// Room, storage, an image or a server that stays may still come; but nobody waits for them for ever.
decision waiting(store::state_update u, const context& c, const trouble& t) {
  const auto left = c.pod->waiting_since.value_or(c.now) + t.limit - c.now;
  if (left > milliseconds(0)) return finished(std::move(u), std::chrono::ceil<milliseconds>(left));
  if (c.state() == state_name::running) return finished(std::move(u), std::chrono::seconds(1));  // first say so
  const std::string limit = t.limit == std::chrono::hours(1) ? "an hour" : "ten minutes";
  fail_start(u, c,
             "The start was given up after " + limit + ". " +
                 (t.sentence.empty() ? "The project's machine did not make its container; tell an administrator."
                                     : t.sentence));
  auto d = finished(std::move(u));
  d.give_up = true;
  return d;
}

decision living_pod(const context& c) {
  const auto& p = *c.pod;
  auto u = update(c);
  if (p.fence == c.row.fence) add_timeline(u, c);
  if (p.ready) {
    auto remark = remark_of(p, c.now);
    std::optional<milliseconds> again;
    if (!remark.empty()) again = remark_lasts;
    set_state(u, c, state_name::running, p.ip, std::move(remark));
    return finished(std::move(u), again);
  }
  const auto t = trouble_of(p, c.event);
  if (t.failed) fail_start(u, c, t.sentence);
  // A server that is too busy to answer its probe in time still runs.
  const bool busy =
      p.state == pod_view::container::running && c.state() == state_name::running && c.row.state.ip == p.ip;
  if (!busy) set_state(u, c, p.unschedulable ? state_name::pending : state_name::starting, {}, t.sentence);
  const bool waits = p.state == pod_view::container::waiting || p.state == pod_view::container::none;
  if (waits && !c.pending() && c.wants_start()) return waiting(std::move(u), c, t);
  return finished(std::move(u));
}

}  // namespace

decision decide(const observed& row, const pod_view* pod, domain::timestamp now, std::string_view event) {
  const context c{row, pod, now, event};
  if (!pod) return without_pod(c);
  const bool own = pod->fence == row.fence;
  if (c.pending() && c.wants_start() && !own) return later(std::chrono::seconds(1));  // of the run before
  if (pod->terminating || pod->over) return ending_pod(c);
  if (c.pending() && !c.wants_start()) return later(stop_limit);  // about to be deleted
  if (!own && c.wants_start() && c.state() == state_name::starting && c.since_finished() < stale_limit)
    return later(stale_limit - c.since_finished());
  const bool stopped = c.row.action_request && !c.wants_start();
  if (stopped && c.since_finished() < stop_limit) return later(stop_limit - c.since_finished());
  auto d = living_pod(c);
  // It came after the stop: what a worker had sent before it was killed or overtaken took its time. So it goes too.
  d.give_up |= stopped;
  return d;
}

}  // namespace atrium::manage_state
