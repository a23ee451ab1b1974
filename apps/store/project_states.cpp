// States and timelines as observers write them: many at once, only what differs.
#include <boost/json.hpp>
#include <set>

#include "apps/store/project_actions.hpp"
#include "apps/store/rows.hpp"

namespace atrium::store {

namespace {

/// `office` is a query that gives a row while the writer may write. A row without project_id says that it may not.
std::string write_states_sql(std::string_view office) {
  return "WITH in_office AS (" + std::string(office) +
         "), "
         "u AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(project_id uuid, state jsonb, only_from text[], "
         "timeline jsonb, reason text, fence bigint)), "
         "locked AS (SELECT p.project_id FROM projects p WHERE p.project_id IN (SELECT project_id FROM u) ORDER BY "
         "p.project_id FOR NO KEY UPDATE), "
         "done AS (UPDATE projects p SET "
         "state = CASE WHEN u.state IS NULL OR u.state - 'time' = coalesce(p.state - 'time', '{}') THEN p.state ELSE "
         "u.state END, "
         "last_started = CASE WHEN u.state->>'state' = 'running' AND p.state->>'state' IS DISTINCT FROM 'running' THEN "
         "timezone('UTC', now()) ELSE p.last_started END, "
         "status = CASE WHEN u.timeline IS NULL AND u.reason IS NULL THEN p.status ELSE coalesce(p.status, '{}') || "
         "jsonb_build_object('start', "
         "coalesce(u.timeline, '{}') || coalesce(p.status->'start', '{}') || CASE WHEN u.reason IS NULL THEN '{}' ELSE "
         "jsonb_build_object('reason', u.reason) END) END "
         "FROM u, locked WHERE EXISTS (SELECT FROM in_office) AND p.project_id = u.project_id AND p.project_id = "
         "locked.project_id "
         "AND (u.only_from IS NULL OR coalesce(p.state->>'state', 'opened') = ANY(u.only_from)) AND (u.fence IS NULL "
         "OR "
         "u.fence = p.action_fence) "
         "AND ((u.state IS NOT NULL AND u.state - 'time' IS DISTINCT FROM coalesce(p.state - 'time', '{}')) "
         "OR EXISTS (SELECT FROM jsonb_object_keys(coalesce(u.timeline, '{}')) AS k WHERE NOT "
         "coalesce(p.status->'start', "
         "'{}') ? k) "
         "OR (u.reason IS NOT NULL AND u.reason IS DISTINCT FROM p.status->'start'->>'reason')) "
         "RETURNING p.project_id) SELECT project_id FROM done UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM "
         "in_office)";
}

boost::json::object record_of(const state_update& u) {
  boost::json::object o{{"project_id", u.project_id.view()}};
  if (u.state) o["state"] = boost::json::parse(domain::to_json(*u.state));
  if (!u.only_from.empty()) {
    boost::json::array names;
    for (const auto name : u.only_from) names.emplace_back(domain::to_string(name));
    o["only_from"] = std::move(names);
  }
  if (!u.timeline.empty()) {
    boost::json::object phases;
    for (const auto& [phase, time] : u.timeline) phases.emplace(domain::to_string(phase), domain::to_iso8601(time));
    o["timeline"] = std::move(phases);
  }
  if (!u.failure_reason.empty()) o["reason"] = u.failure_reason;
  if (u.fence) o["fence"] = *u.fence;
  return o;
}

}  // namespace

rt::task<std::vector<domain::project_id>> project_actions::set_states(std::span<const state_update> updates) {
  return write_states(updates, nullptr);
}

rt::task<std::vector<domain::project_id>> project_actions::set_states(std::span<const state_update> updates,
                                                                      const leader_fence& leader) {
  return write_states(updates, &leader);
}

rt::task<std::vector<domain::project_id>> project_actions::write_states(std::span<const state_update> updates,
                                                                        const leader_fence* leader) {
  static const std::string unfenced = write_states_sql("SELECT 1");
  // The share lock makes a new leader's claim wait for this statement, and this statement see a claim that was faster.
  static const std::string fenced =
      write_states_sql("SELECT 1 FROM worker_leaders WHERE name = $2 AND token = $3::bigint FOR SHARE");
  std::vector<domain::project_id> changed;
  for (std::size_t at = 0; at < updates.size();) {
    // One statement sees each row once, so a second update of the same project waits for the next statement.
    boost::json::array batch;
    std::set<domain::project_id> in_batch;
    for (; at < updates.size() && in_batch.insert(updates[at].project_id).second; ++at)
      batch.push_back(record_of(updates[at]));
    pg::parameters values{boost::json::serialize(batch)};
    if (leader) values.insert(values.end(), {leader->name, leader->token});
    const auto rows = co_await pool_.query(leader ? fenced : unfenced, std::move(values));
    for (const auto row : rows) {
      const auto id = row.get<std::optional<std::string_view>>("project_id");
      if (!id)
        throw failure(error(disposition::conflict, "Another replica leads this worker by now.")
                          .with_code(std::string(code_not_leading)));
      changed.push_back(domain::project_id::of(*id));
    }
  }
  co_return changed;
}

}  // namespace atrium::store
