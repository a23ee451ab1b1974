// Requests that answer when they are done, for programs.
#include <algorithm>

#include "apps/operations/projects.hpp"

namespace atrium::operations {

namespace {

using domain::state_name;

enum class progress { going_on, done };

/// How far a start is. @errors failed with the reason; conflict when somebody else stopped the project
progress start_progress(const store::project& p) {
  const auto& request = p.action_request;
  const bool restarting = request && request->pending() && request->action == domain::action_name::restart;
  if (p.state.state == state_name::running && !restarting) return progress::done;
  if (p.deleted) fail(disposition::conflict, "The project was deleted meanwhile.");
  if (request && request->action == domain::action_name::stop)
    fail(disposition::conflict, "Somebody stopped the project meanwhile. Start it again if you need it.");
  if (request && request->finished && !request->err.empty()) fail(disposition::failed, request->err);
  const auto timeline = domain::parse_timeline(p.status);
  if (timeline.phases.contains(domain::start_phase::failed))
    fail(disposition::failed,
         timeline.reason.empty() ? "The project could not start. Look at its log, then try again." : timeline.reason);
  if (!p.state.error.empty() && !domain::has_pod(p.state.state) && request && request->finished)
    fail(disposition::failed, p.state.error);
  return progress::going_on;
}

progress stop_progress(const store::project& p) {
  const auto& request = p.action_request;
  if (request && request->action != domain::action_name::stop)
    fail(disposition::conflict, "Somebody started the project meanwhile.");
  if (request && request->finished && !request->err.empty()) fail(disposition::failed, request->err);
  const bool pending = request && request->pending();
  return !pending && !domain::has_pod(p.state.state) ? progress::done : progress::going_on;
}

/// Reads the row, in growing intervals from 50 to 500 ms, until `look` is content.
rt::task<void> poll(projects& all, domain::account_id who, domain::project_id id,
                    progress (*look)(const store::project&)) {
  for (rt::duration pause = std::chrono::milliseconds(50);;
       pause = std::min<rt::duration>(pause * 5 / 4, std::chrono::milliseconds(500))) {
    if (look(co_await all.get(who, id)) == progress::done) co_return;
    co_await rt::sleep_for(pause);
  }
}

rt::task<void> wait(projects& all, domain::account_id who, domain::project_id id, rt::duration limit,
                    progress (*look)(const store::project&), const char* too_long) {
  if (!co_await rt::in_time(limit, poll(all, who, id, look))) fail(disposition::timed_out, too_long);
}

}  // namespace

rt::task<void> projects::start_and_wait(domain::account_id who, domain::project_id id, rt::duration limit) {
  co_await start(who, id);
  co_await wait(*this, who, id, limit, start_progress,
                "The project is still starting. It goes on: look again in a moment.");
}

rt::task<void> projects::stop_and_wait(domain::account_id who, domain::project_id id, rt::duration limit) {
  co_await stop(who, id);
  co_await wait(*this, who, id, limit, stop_progress,
                "The project is still stopping. It goes on: look again in a moment.");
}

}  // namespace atrium::operations
