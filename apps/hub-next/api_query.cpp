// user-query: rows of one's own by example. null asks for a field, a value filters (get) or sets (set).
#include <algorithm>

#include "apps/domain/json.hpp"
#include "apps/hub-next/api.hpp"
#include "apps/operations/accounts.hpp"
#include "apps/operations/projects.hpp"
#include "apps/operations/rows.hpp"

namespace atrium::hub_next {

namespace {

using namespace std::chrono_literals;

json::object whole_row(const store::project& p) {
  auto row = operations::project_row(p);
  row["last_started"] = domain::time_or_null(p.last_started);
  return row;
}

json::object whole_row(const store::account& a) {
  auto row = operations::account_row(a);
  row["other_settings"] = domain::parse_object(a.other_settings);
  row["created"] = domain::time_or_null(a.created);
  row["last_active"] = domain::time_or_null(a.last_active);
  return row;
}

/// The fields of `row` that the example names. Nothing when a value of the example differs from the row's.
std::optional<json::object> select(const json::object& example, const json::object& row) {
  json::object out;
  for (const auto& [field, wanted] : example) {
    const auto* value = row.if_contains(field);
    if (!value) fail(disposition::invalid, "There is no field " + std::string(field) + " to ask for.");
    if (!wanted.is_null() && wanted != *value) return std::nullopt;
    out[field] = *value;
  }
  return out;
}

bool asks(const json::object& example) {
  return example.empty() ||
         std::any_of(example.begin(), example.end(), [](const auto& member) { return member.value().is_null(); });
}

rt::task<std::vector<json::object>> rows_of(call& c, std::string_view table, const json::object& example) {
  std::vector<json::object> rows;
  if (table == "accounts") {
    c.require_whole_account();
    rows.push_back(whole_row(co_await operations::accounts(c.site.pool).get(c.account())));
    co_return rows;
  }
  operations::projects projects(c.site.pool);
  const auto& only = c.identity().only_project;
  if (const auto* id = example.if_contains("project_id"); id && id->is_string()) {
    const auto project = domain::project_id::parse(id->get_string()).value();
    if (only && *only != project) co_return rows;
    try {
      rows.push_back(whole_row(co_await projects.get(c.account(), project)));
    } catch (const failure& f) {
      if (f.disposition() != disposition::not_found) throw;
    }
    co_return rows;
  }
  store::projects::list_options options;
  if (table == "projects") options.edited_since = domain::now() - 24h * 42;
  if (table == "projects_all") options.limit = 10'000;
  if (const auto* deleted = example.if_contains("deleted"); deleted && deleted->is_bool())
    options.deleted = deleted->get_bool();
  for (const auto& p : co_await projects.list(c.account(), options))
    if (!only || *only == p.project_id) rows.push_back(whole_row(p));
  co_return rows;
}

/// `wanted` as an action: {"action":"start", ...}
rt::task<void> act(operations::projects& projects, domain::account_id who, domain::project_id id,
                   const json::value& wanted) {
  const auto* name = wanted.is_object() ? wanted.get_object().if_contains("action") : nullptr;
  const auto action = name && name->is_string() ? domain::parse_action_name(name->get_string()) : std::nullopt;
  if (!action) fail(disposition::invalid, "action_request must be {\"action\": \"start\"}, \"stop\" or \"restart\".");
  switch (*action) {
    case domain::action_name::start:
      co_await projects.start(who, id);
      break;
    case domain::action_name::stop:
      co_await projects.stop(who, id);
      break;
    case domain::action_name::restart:
      co_await projects.restart(who, id);
      break;
  }
}

void check_settable(const json::object& values, std::initializer_list<std::string_view> fields) {
  for (const auto& [field, value] : values)
    if (std::find(fields.begin(), fields.end(), std::string_view(field)) == fields.end())
      fail(disposition::invalid, "The field " + std::string(field) + " cannot be set here.");
}

rt::task<void> set_project(call& c, const json::object& values) {
  check_settable(values, {"project_id", "title", "description", "deleted", "action_request"});
  const arguments in(values);
  const auto id = in.project();
  if (const auto& only = c.identity().only_project; only && *only != id)
    fail(disposition::not_found, "There is no such project among yours.");
  operations::projects projects(c.site.pool);
  const auto title = in.maybe_text("title"), description = in.maybe_text("description");
  if (title || description) co_await projects.update(c.account(), id, title, description);
  if (values.contains("deleted")) {
    if (in.flag("deleted")) co_await projects.remove(c.account(), id);
    else co_await projects.undelete(c.account(), id);
  }
  if (const auto* wanted = values.if_contains("action_request")) co_await act(projects, c.account(), id, *wanted);
}

rt::task<void> set_account(call& c, const json::object& values) {
  check_settable(values, {"account_id", "first_name", "last_name", "other_settings"});
  c.require_whole_account();
  const arguments in(values);
  if (const auto id = in.maybe_account("account_id"); id && *id != c.account())
    fail(disposition::denied, "You can change your own account only.");
  store::accounts::changes changes{in.maybe_text("first_name"), in.maybe_text("last_name"), std::nullopt};
  if (const auto* settings = values.if_contains("other_settings")) changes.other_settings = json::serialize(*settings);
  if (!changes.first_name && !changes.last_name && !changes.other_settings)
    fail(disposition::invalid, "Give a field to set.");
  co_await operations::accounts(c.site.pool).update(c.account(), std::move(changes));
}

/// One table's part of a query. An array asks for all rows, an object for one, or sets it.
rt::task<void> run_part(call& c, std::string_view table, const json::value& part, json::object& answer) {
  if (table != "projects" && table != "projects_all" && table != "accounts")
    fail(disposition::invalid, "There is no table " + std::string(table) + " to query here.");
  const bool many = part.is_array();
  const json::value* first = !many ? &part : part.get_array().empty() ? nullptr : &part.get_array().front();
  if (!first || !first->is_object() || (many && part.get_array().size() != 1))
    fail(disposition::invalid, "Ask for a table by one object of fields, or by a list with one such object.");
  const auto& example = first->get_object();
  if (!many && !asks(example)) {
    if (table == "accounts") co_await set_account(c, example);
    else co_await set_project(c, example);
    co_return;
  }
  json::array found;
  for (const auto& row : co_await rows_of(c, table, example))
    if (auto selected = select(example, row)) found.push_back(std::move(*selected));
  if (many) answer[table] = std::move(found);
  else answer[table] = found.empty() ? json::value(nullptr) : std::move(found.front());
}

rt::task<json::value> user_query(call& c) {
  const auto* query = c.in.all().if_contains("query");
  if (!query || !query->is_object() || query->get_object().size() > 20)
    fail(disposition::invalid, "The parameter query must be an object of tables.");
  json::object answer;
  for (const auto& [table, part] : query->get_object()) co_await run_part(c, table, part, answer);
  co_return json::object{{"query", std::move(answer)}};
}

constexpr endpoint endpoints[] = {
    {"user-query", "query: {projects | projects_all | accounts: [{field: null, field: value}] or {field: value}}",
     "{query: {table: rows}}; a query without null sets the fields of one row of yours", false, false, user_query},
};

}  // namespace

std::span<const endpoint> query_endpoints() noexcept { return endpoints; }

}  // namespace atrium::hub_next
