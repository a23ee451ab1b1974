#include "apps/store/projects.hpp"

#include <set>

#include "apps/domain/crypto.hpp"
#include "apps/store/rows.hpp"

namespace atrium::store {

namespace {

constexpr std::string_view project_columns =
    "project_id, title, description, users, state, action_request, status, last_active, created, last_edited, "
    "last_started, deleted";

std::string with_columns(std::string_view before, std::string_view after = {}) {
  return std::string(before) + " " + std::string(project_columns) + " " + std::string(after);
}

/// Texts of two columns of a list of grants, as parameters for unnest().
std::pair<pg::parameter, pg::parameter> arrays_of(std::span<const grant> grants) {
  std::vector<std::string> projects, accounts;
  for (const auto& g : grants) {
    projects.push_back(g.project_id.str());
    accounts.push_back(g.account_id.str());
  }
  return {pg::array(projects), pg::array(accounts)};
}

}  // namespace

std::optional<domain::project_group> project::group_of(domain::account_id account) const noexcept {
  const auto at = users.find(account);
  return at == users.end() ? std::nullopt : std::optional(at->second);
}

project project_from(const column_source& column) {
  project p;
  if (const auto id = domain::project_id::parse(column("project_id").value_or(""))) p.project_id = *id;
  p.title = text_of(column, "title");
  p.description = text_of(column, "description");
  p.users = domain::parse_users(column("users").value_or("{}"));
  p.state = domain::parse_state(column("state").value_or("{}"));
  if (const auto request = column("action_request")) p.action_request = domain::parse_action_request(*request);
  p.status = text_of(column, "status", "{}");
  p.last_active = text_of(column, "last_active", "{}");
  p.created = time_of(column("created"));
  p.last_edited = time_of(column("last_edited"));
  p.last_started = time_of(column("last_started"));
  p.deleted = flag_of(column, "deleted");
  return p;
}

rt::task<project> projects::create(const new_project& n) {
  const auto rows = co_await pool_.query(
      with_columns(
          "INSERT INTO projects (project_id, title, description, users, state, secret_token, created, last_edited) "
          "VALUES ($1::uuid, $2, $3, jsonb_build_object($4::text, jsonb_build_object('group', 'owner')), "
          "jsonb_build_object('state', 'opened', 'time', $5::text), $6, $5::timestamp, $5::timestamp) RETURNING"),
      {domain::project_id::make_random().view(), n.title, n.description, n.owner.view(),
       domain::to_iso8601(domain::now()), domain::random_token(43)});
  const auto row = rows.one();
  co_return project_from(columns_of(row));
}

rt::task<std::optional<project>> projects::get(domain::project_id id) {
  const auto rows = co_await pool_.query(with_columns("SELECT", "FROM projects WHERE project_id = $1"), {id.view()});
  const auto row = rows.maybe();
  if (!row) co_return std::nullopt;
  co_return project_from(columns_of(*row));
}

rt::task<std::vector<project>> projects::list_for(domain::account_id account) {
  return list_for(account, list_options());
}

rt::task<std::vector<project>> projects::list_for(domain::account_id account, list_options options) {
  const auto rows = co_await pool_.query(
      with_columns(
          "SELECT",
          "FROM projects WHERE users ? $1::text AND users->($1::text)->>'group' IN ('owner', 'collaborator') "
          "AND coalesce(deleted, false) = $2::boolean AND ($3::timestamp IS NULL OR last_edited >= $3::timestamp) "
          "ORDER BY last_edited DESC NULLS LAST, project_id LIMIT $4::int"),
      {account.view(), options.deleted, parameter_of(options.edited_since), options.limit});
  std::vector<project> out;
  out.reserve(rows.size());
  for (const auto row : rows) out.push_back(project_from(columns_of(row)));
  co_return out;
}

rt::task<std::vector<collaborator>> projects::collaborators(domain::project_id id) {
  const auto rows = co_await pool_.query(
      "SELECT a.account_id, first_name, last_name, email_address, u.value->>'group' AS \"group\" "
      "FROM projects p CROSS JOIN LATERAL jsonb_each(p.users) AS u JOIN accounts a ON a.account_id::text = "
      "lower(u.key) "
      "WHERE p.project_id = $1 AND u.value->>'group' IN ('owner', 'collaborator') AND a.deleted IS NOT TRUE "
      "ORDER BY u.value->>'group' DESC, lower(last_name), lower(first_name)",
      {id.view()});
  std::vector<collaborator> out;
  for (const auto row : rows) {
    const auto column = columns_of(row);
    out.push_back({{domain::account_id::of(*column("account_id")), text_of(column, "first_name"),
                    text_of(column, "last_name"), text_of(column, "email_address")},
                   column("group") == "owner" ? domain::project_group::owner : domain::project_group::collaborator});
  }
  co_return out;
}

rt::task<bool> projects::update(domain::project_id id, domain::account_id who, std::optional<std::string> title,
                                std::optional<std::string> description) {
  const auto rows = co_await pool_.query(
      "UPDATE projects SET title = coalesce($3, title), description = coalesce($4, description), last_edited = "
      "timezone('UTC', now()) "
      "WHERE project_id = $1::uuid AND users->($2::text)->>'group' IN ('owner', 'collaborator') AND deleted IS NOT "
      "TRUE",
      {id.view(), who.view(), title, description});
  co_return rows.affected() == 1;
}

rt::task<bool> projects::set_deleted(domain::project_id id, domain::account_id who, bool deleted) {
  const auto rows = co_await pool_.query(
      "UPDATE projects SET deleted = $3::boolean, last_edited = timezone('UTC', now()) "
      "WHERE project_id = $1::uuid AND users->($2::text)->>'group' = 'owner'",
      {id.view(), who.view(), deleted});
  co_return rows.affected() == 1;
}

rt::task<bool> projects::add_collaborator(domain::project_id id, domain::account_id who, domain::account_id whom) {
  // Who is already there keeps the group: an owner is not made a collaborator by being invited.
  const auto rows = co_await pool_.query(
      "UPDATE projects SET users = CASE WHEN users->($3::text)->>'group' IN ('owner', 'collaborator') THEN users ELSE "
      "users || jsonb_build_object($3::text, coalesce(users->($3::text), '{}') || '{\"group\": \"collaborator\"}') END "
      "WHERE project_id = $1::uuid AND users->($2::text)->>'group' IN ('owner', 'collaborator') AND deleted IS NOT "
      "TRUE "
      "AND EXISTS (SELECT FROM accounts WHERE account_id = $3::uuid AND deleted IS NOT TRUE)",
      {id.view(), who.view(), whom.view()});
  co_return rows.affected() == 1;
}

rt::task<void> projects::remove_collaborator(domain::project_id id, domain::account_id who, domain::account_id whom) {
  const auto body = [&](pg::connection& session) -> rt::task<void> {
    const auto rows = co_await session.query(
        "SELECT users FROM projects WHERE project_id = $1 AND deleted IS NOT TRUE FOR UPDATE", {id.view()});
    const auto row = rows.maybe();
    const auto users = row ? domain::parse_users(row->get<std::optional<std::string_view>>("users").value_or("{}"))
                           : domain::project_users{};
    const auto allowed = domain::may_remove_collaborator(users, who, whom);
    if (!allowed) throw failure(allowed.error());
    co_await session.query("UPDATE projects SET users = users - $2::text WHERE project_id = $1::uuid",
                           {id.view(), whom.view()});
  };
  co_await pool_.transaction(body);
}

rt::task<std::optional<project_access>> projects::find_for_proxy(domain::project_id id, domain::account_id account) {
  const auto rows = co_await pool_.query(
      "SELECT p.users->($2::text)->>'group' AS \"group\", p.state, coalesce(p.secret_token, '') AS secret_token, "
      "concat_ws(' ', nullif(a.first_name, ''), nullif(a.last_name, '')) AS user_name "
      "FROM projects p JOIN accounts a ON a.account_id = ($2::text)::uuid "
      "WHERE p.project_id = $1::uuid AND p.deleted IS NOT TRUE AND a.deleted IS NOT TRUE AND a.banned IS NOT TRUE "
      "AND p.users->($2::text)->>'group' IN ('owner', 'collaborator')",
      {id.view(), account.view()});
  const auto row = rows.maybe();
  if (!row) co_return std::nullopt;
  project_access out;
  out.group = row->get<std::string_view>("group") == "owner" ? domain::project_group::owner
                                                             : domain::project_group::collaborator;
  out.state = domain::parse_state(row->get<std::optional<std::string_view>>("state").value_or("{}"));
  out.secret_token = row->get<std::string>("secret_token");
  out.user_name = row->get<std::string>("user_name");
  co_return out;
}

rt::task<std::vector<bool>> projects::still_granted(std::span<const grant> grants) {
  if (grants.empty()) co_return std::vector<bool>{};
  const auto [project_ids, account_ids] = arrays_of(grants);
  const auto rows = co_await pool_.query(
      "SELECT coalesce(p.users->asked.account->>'group' IN ('owner', 'collaborator'), false) AND a.account_id IS NOT "
      "NULL AS granted "
      "FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS asked(project, account, place) "
      "LEFT JOIN projects p ON p.project_id = asked.project AND p.deleted IS NOT TRUE "
      "LEFT JOIN accounts a ON a.account_id = asked.account::uuid AND a.deleted IS NOT TRUE AND a.banned IS NOT TRUE "
      "ORDER BY place",
      {project_ids, account_ids});
  std::vector<bool> out;
  out.reserve(rows.size());
  for (const auto row : rows) out.push_back(row.get<bool>("granted"));
  co_return out;
}

rt::task<void> projects::touch(std::span<const grant> grants) {
  if (grants.empty()) co_return;
  const std::set<grant> distinct(grants.begin(), grants.end());
  const std::vector<grant> sorted(distinct.begin(), distinct.end());
  const auto [project_ids, account_ids] = arrays_of(sorted);
  // Rows are locked in order of their ids, so that two hubs that touch the same projects cannot deadlock.
  co_await pool_.query(
      "WITH asked AS (SELECT project, jsonb_object_agg(account, $3::text) AS active FROM unnest($1::uuid[], "
      "$2::text[]) AS u(project, account) GROUP BY project), "
      "locked AS (SELECT p.project_id FROM projects p JOIN asked ON asked.project = p.project_id "
      "WHERE p.last_edited IS NULL OR p.last_edited < $3::timestamp - interval '30 seconds' OR EXISTS ("
      "SELECT FROM jsonb_object_keys(asked.active) AS k WHERE coalesce((p.last_active->>k)::timestamp, '-infinity') < "
      "$3::timestamp - interval '30 seconds') "
      "ORDER BY p.project_id FOR NO KEY UPDATE OF p) "
      "UPDATE projects p SET last_edited = greatest(p.last_edited, $3::timestamp), last_active = "
      "coalesce(p.last_active, '{}') || asked.active "
      "FROM asked, locked WHERE p.project_id = asked.project AND p.project_id = locked.project_id",
      {project_ids, account_ids, domain::to_iso8601(domain::now())});
}

}  // namespace atrium::store
