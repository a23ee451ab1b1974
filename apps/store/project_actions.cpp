#include "apps/store/project_actions.hpp"

#include "apps/store/rows.hpp"
#include "atrium/base/log.hpp"

namespace atrium::store {

namespace {

/// Whether the row, locked as `p`, has a request that nobody has finished.
constexpr std::string_view pending =
    "(p.action_request->>'action' IS NOT NULL AND p.action_request->>'finished' IS NULL)";

/// An object with the trace id, or without when that is empty.
std::string traced(const std::string& parameter) {
  return "CASE WHEN " + parameter + "::text = '' THEN '{}' ELSE jsonb_build_object('trace', " + parameter +
         "::text) END";
}

/// Asks for $3 at $4 in the name of $2 (null: the system); $5 is the trace id or empty.
std::string request_sql() {
  const std::string is_pending(pending);
  const std::string state = "coalesce(p.state->>'state', 'opened')", action = "p.action_request->>'action'";
  return "WITH seen AS (SELECT p.project_id, CASE $3::text "
         "WHEN 'start' THEN CASE WHEN " +
         is_pending + " THEN " + action + " IN ('start', 'restart') ELSE " + state +
         " IN ('starting', 'pending', 'running') END "
         "WHEN 'stop' THEN CASE WHEN " +
         is_pending + " THEN " + action + " = 'stop' ELSE " + state +
         " NOT IN ('starting', 'pending', 'running') END "
         "ELSE " +
         is_pending + " AND " + action +
         " = 'restart' AND p.action_request->>'started' IS NULL END AS already "
         "FROM projects p WHERE p.project_id = $1::uuid AND ($2::text IS NULL OR p.users->($2::text)->>'group' IN "
         "('owner', 'collaborator')) "
         "AND (p.deleted IS NOT TRUE OR $3::text = 'stop') FOR NO KEY UPDATE), "
         "done AS (UPDATE projects p SET action_request = jsonb_build_object('action', $3::text, 'time', $4::text, "
         "'started', NULL, 'finished', NULL) || " +
         traced("$5") +
         ", "
         "action_fence = p.action_fence + 1, action_lease_owner = NULL, action_lease_until = NULL, last_edited = "
         "$4::timestamp, "
         "status = CASE WHEN $3::text = 'stop' THEN p.status ELSE coalesce(p.status, '{}') || "
         "jsonb_build_object('start', jsonb_build_object('queued', $4::text) || " +
         traced("$5") +
         ") END "
         "FROM seen WHERE p.project_id = seen.project_id AND NOT seen.already) SELECT already FROM seen";
}

std::string cancel_sql() {
  const std::string start_pending = std::string(pending) + " AND p.action_request->>'action' IN ('start', 'restart')";
  return "WITH seen AS (SELECT p.project_id, CASE "
         "WHEN " +
         start_pending +
         " AND p.action_request->>'started' IS NULL THEN 'withdrawn' "
         "WHEN " +
         start_pending + " OR (NOT " + std::string(pending) +
         " AND p.state->>'state' IN ('starting', 'pending')) THEN 'stopping' ELSE 'nothing' END AS outcome "
         "FROM projects p WHERE p.project_id = $1::uuid AND p.users->($2::text)->>'group' IN ('owner', 'collaborator') "
         "AND p.deleted IS NOT TRUE FOR NO KEY UPDATE), "
         "done AS (UPDATE projects p SET action_fence = p.action_fence + 1, action_lease_owner = NULL, "
         "action_lease_until = NULL, "
         "action_request = CASE WHEN outcome = 'withdrawn' THEN p.action_request || jsonb_build_object('finished', "
         "$3::text, 'err', 'The start was cancelled.') "
         "ELSE jsonb_build_object('action', 'stop', 'time', $3::text, 'started', NULL, 'finished', NULL) || " +
         traced("$4") +
         " END, "
         "status = coalesce(p.status, '{}') || jsonb_build_object('start', coalesce(p.status->'start', '{}') || "
         "jsonb_build_object('failed', $3::text, 'reason', 'The start was cancelled.')) "
         "FROM seen WHERE p.project_id = seen.project_id AND outcome <> 'nothing') SELECT outcome FROM seen";
}

claimed_action claimed_from(const pg::rows::row& row) {
  const auto column = columns_of(row);
  claimed_action c;
  c.project_id = domain::project_id::of(*column("project_id"));
  c.request = domain::parse_action_request(column("action_request").value_or("{}")).value_or(domain::action_request{});
  c.fence = row.get<std::int64_t>("action_fence");
  c.secret_token = text_of(column, "secret_token");
  c.settings = text_of(column, "settings", "{}");
  c.env = text_of(column, "env", "{}");
  c.compute_image = text_of(column, "compute_image");
  c.deleted = flag_of(column, "deleted");
  return c;
}

constexpr std::string_view observed_columns = "SELECT project_id, state, action_request, action_fence FROM projects ";

/// Of tens of thousands of rows, without keeping others waiting for so long.
rt::task<std::vector<project_actions::observed>> observed_from(pg::rows rows) {
  std::vector<project_actions::observed> out;
  out.reserve(rows.size());
  for (const auto row : rows) {
    const auto column = columns_of(row);
    out.push_back({domain::project_id::of(*column("project_id")), domain::parse_state(column("state").value_or("{}")),
                   domain::parse_action_request(column("action_request").value_or("{}")),
                   row.get<std::int64_t>("action_fence")});
    if (out.size() % 500 == 0) co_await rt::sleep_for({});  // a turn of the loop
  }
  co_return out;
}

/// Wakes workers up. The request is in the table already and workers poll too, so a lost wake-up costs only time.
rt::task<void> wake_workers(pg::pool& pool) {
  static const std::string notify = "NOTIFY " + std::string(action_channel);
  try {
    co_await pool.query(notify);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::warn("workers were not woken", {{"error", f.error()}});
  }
}

rt::task<project_actions::asked> ask(pg::pool& pool, domain::project_id project, std::optional<domain::account_id> who,
                                     domain::action_name action) {
  static const std::string sql = request_sql();
  const auto rows = co_await pool.query(sql, {project.view(), parameter_of(who), domain::to_string(action),
                                              domain::to_iso8601(domain::now()), trace::current().text()});
  const auto row = rows.maybe();
  if (!row) co_return project_actions::asked::no_such_project;
  if (row->get<bool>("already")) co_return project_actions::asked::already_there;
  co_await wake_workers(pool);
  co_return project_actions::asked::requested;
}

}  // namespace

rt::task<project_actions::asked> project_actions::request(domain::project_id project, domain::account_id who,
                                                          domain::action_name action) {
  return ask(pool_, project, who, action);
}

rt::task<project_actions::asked> project_actions::request_by_system(domain::project_id project,
                                                                    domain::action_name action) {
  return ask(pool_, project, std::nullopt, action);
}

rt::task<project_actions::cancelled> project_actions::cancel_start(domain::project_id project, domain::account_id who) {
  static const std::string sql = cancel_sql();
  const auto rows = co_await pool_.query(
      sql, {project.view(), who.view(), domain::to_iso8601(domain::now()), trace::current().text()});
  const auto row = rows.maybe();
  if (!row) co_return cancelled::no_such_project;
  const auto outcome = row->get<std::string>("outcome");
  if (outcome == "nothing") co_return cancelled::nothing_to_cancel;
  if (outcome == "withdrawn") co_return cancelled::withdrawn;
  co_await wake_workers(pool_);
  co_return cancelled::stopping;
}

rt::task<std::vector<claimed_action>> project_actions::claim(const claimant& who, int n,
                                                             std::chrono::milliseconds lease) {
  const auto ended = who.replica.empty() ? std::string() : who.replica + "/";
  std::vector<std::string> in_hand;
  for (const auto& id : who.in_hand) in_hand.push_back(id.str());
  const auto rows = co_await pool_.query(
      "WITH waiting AS (SELECT project_id FROM projects WHERE action_request->>'action' IS NOT NULL AND "
      "action_request->>'finished' IS NULL "
      "AND (action_lease_until IS NULL OR action_lease_until < timezone('UTC', clock_timestamp()) "
      "OR (action_lease_owner = $1 OR $5 <> '' AND starts_with(action_lease_owner, $5)) "
      "AND project_id <> ALL($6::uuid[])) "
      "ORDER BY action_request->>'time' LIMIT $2::int FOR NO KEY UPDATE SKIP LOCKED) "
      "UPDATE projects p SET action_lease_owner = $1, action_lease_until = timezone('UTC', clock_timestamp()) + "
      "$3::bigint * interval '1 millisecond', "
      "action_fence = p.action_fence + 1, "
      "state = CASE WHEN p.action_request->>'action' = 'start' AND p.deleted IS NOT TRUE AND "
      "coalesce(p.state->>'state', "
      "'opened') IN ('opened', 'closed', 'archived', 'stopping') THEN jsonb_build_object('state', 'starting', 'time', "
      "$4::text) ELSE p.state END, "
      "action_request = CASE WHEN p.action_request->>'started' IS NULL THEN p.action_request || "
      "jsonb_build_object('started', $4::text) ELSE p.action_request END, "
      "status = CASE WHEN p.action_request->>'action' = 'stop' THEN p.status ELSE coalesce(p.status, '{}') || "
      "jsonb_build_object('start', "
      "jsonb_build_object('accepted', $4::text) || coalesce(p.status->'start', '{}')) END "
      "FROM waiting WHERE p.project_id = waiting.project_id "
      "RETURNING p.project_id, action_request, action_fence, secret_token, settings, env, compute_image, deleted",
      {who.identity, n, lease.count(), domain::to_iso8601(domain::now()), ended, pg::array(in_hand)});
  std::vector<claimed_action> out;
  for (const auto row : rows) out.push_back(claimed_from(row));
  co_return out;
}

rt::task<std::vector<std::int64_t>> project_actions::renew(const std::string& owner,
                                                           std::span<const claimed_action> claims,
                                                           std::chrono::milliseconds lease) {
  std::vector<std::int64_t> kept;
  if (claims.empty()) co_return kept;
  std::vector<std::string> ids, fences;
  for (const auto& c : claims) {
    ids.push_back(c.project_id.str());
    fences.push_back(std::to_string(c.fence));
  }
  const auto rows = co_await pool_.query(
      "WITH mine AS (SELECT p.project_id FROM projects p JOIN unnest($2::uuid[], $3::bigint[]) AS c(project, fence) "
      "ON p.project_id = c.project AND p.action_fence = c.fence WHERE p.action_lease_owner = $1 ORDER BY p.project_id "
      "FOR NO KEY UPDATE OF p) "
      "UPDATE projects p SET action_lease_until = timezone('UTC', clock_timestamp()) + $4::bigint * interval '1 "
      "millisecond' "
      "FROM mine WHERE p.project_id = mine.project_id RETURNING p.action_fence",
      {owner, pg::array(ids), pg::array(fences), lease.count()});
  for (const auto row : rows) kept.push_back(row.get<std::int64_t>("action_fence"));
  co_return kept;
}

rt::task<bool> project_actions::finish(domain::project_id project, std::int64_t fence, const std::string& err,
                                       const std::optional<domain::run_quota>& quota) {
  const auto rows = co_await pool_.query(
      "UPDATE projects p SET action_lease_owner = NULL, action_lease_until = NULL, "
      "run_quota = coalesce($5::jsonb, p.run_quota), "
      "state = CASE WHEN $4 <> '' AND p.action_request->>'action' <> 'stop' AND coalesce(p.state->>'state', 'opened') "
      "IN "
      "('starting', 'pending', 'opened', 'stopping') THEN jsonb_build_object('state', 'opened', 'time', $3::text, "
      "'error', $4::text) ELSE p.state END, "
      "action_request = p.action_request || jsonb_build_object('finished', $3::text) || CASE WHEN $4 = '' THEN '{}' "
      "ELSE jsonb_build_object('err', $4::text) END, "
      "status = CASE WHEN p.action_request->>'action' = 'stop' THEN p.status ELSE coalesce(p.status, '{}') || "
      "jsonb_build_object('start', CASE WHEN $4 = '' THEN jsonb_build_object('created', $3::text) || "
      "coalesce(p.status->'start', '{}') ELSE coalesce(p.status->'start', '{}') || jsonb_build_object('failed', "
      "$3::text, 'reason', $4::text) END) END "
      "WHERE p.project_id = $1::uuid AND p.action_fence = $2::bigint AND p.action_request->>'finished' IS NULL",
      {project.view(), fence, domain::to_iso8601(domain::now()), err,
       quota ? pg::parameter(domain::to_json(*quota)) : pg::parameter(std::nullopt)});
  co_return rows.affected() == 1;
}

rt::task<bool> project_actions::release(domain::project_id project, std::int64_t fence) {
  const auto rows = co_await pool_.query(
      "UPDATE projects SET action_lease_owner = NULL, action_lease_until = NULL, action_fence = action_fence + 1 "
      "WHERE project_id = $1::uuid AND action_fence = $2::bigint AND action_request->>'finished' IS NULL",
      {project.view(), fence});
  if (rows.affected() == 1) co_await wake_workers(pool_);
  co_return rows.affected() == 1;
}

rt::task<std::vector<project_actions::observed>> project_actions::with_pods() {
  co_return co_await observed_from(co_await pool_.query(
      std::string(observed_columns) + "WHERE state->>'state' IN ('starting', 'pending', 'running', 'stopping')"));
}

rt::task<std::vector<project_actions::observed>> project_actions::observe(
    std::span<const domain::project_id> projects) {
  std::vector<std::string> ids;
  for (const auto& id : projects) ids.push_back(id.str());
  co_return co_await observed_from(
      co_await pool_.query(std::string(observed_columns) + "WHERE project_id = ANY($1::uuid[])", {pg::array(ids)}));
}

}  // namespace atrium::store
