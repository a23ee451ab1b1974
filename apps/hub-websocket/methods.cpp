#include "apps/hub-websocket/methods.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "apps/domain/json.hpp"
#include "apps/hub-websocket/shapes.hpp"
#include "apps/operations/accounts.hpp"
#include "apps/operations/projects.hpp"

namespace atrium::hub_websocket {

namespace json = boost::json;

namespace {

[[noreturn]] void wrong(std::string_view name, std::string_view what) {
  fail(disposition::invalid, "The parameter `" + std::string(name) + "` " + std::string(what) + ".");
}

const json::value* find(const json::object& params, std::string_view name) {
  const auto* v = params.if_contains(name);
  return v && !v->is_null() ? v : nullptr;
}

operations::projects projects(call& c) { return operations::projects(c.pool); }
operations::accounts accounts(call& c) { return operations::accounts(c.pool); }

operations::projects::whom person(call& c) {
  operations::projects::whom out;
  if (const auto id = c.optional_text("account_id")) out.account_id = domain::account_id::parse(*id).value();
  else if (auto email = c.optional_text("email_address")) out.email_address = std::move(*email);
  else fail(disposition::invalid, "Say who: give `account_id` or `email_address`.");
  return out;
}

rt::task<json::value> ping(call&) { co_return json::object{}; }

rt::task<json::value> projects_create(call& c) {
  const auto id = co_await projects(c).create(
      c.who, {c.text("title"), c.optional_text("description").value_or(""), c.flag("start")});
  co_return json::object{{"project_id", id.view()}};
}
/// What is done to a project and answers nothing: start, stop, ...
template <rt::task<void> (operations::projects::*operation)(domain::account_id, domain::project_id)>
rt::task<json::value> on_project(call& c) {
  co_await (projects(c).*operation)(c.who, c.project());
  co_return json::object{};
}
template <rt::task<void> (operations::projects::*operation)(domain::account_id, domain::project_id,
                                                            operations::projects::whom)>
rt::task<json::value> on_collaborator(call& c) {
  co_await (projects(c).*operation)(c.who, c.project(), person(c));
  co_return json::object{};
}
rt::task<json::value> projects_update(call& c) {
  co_await projects(c).update(c.who, c.project(), c.optional_text("title"), c.optional_text("description"));
  co_return json::object{};
}
rt::task<json::value> projects_collaborators(call& c) {
  co_return collaborator_list(co_await projects(c).collaborators(c.who, c.project()));
}
rt::task<json::value> projects_timeline(call& c) {
  co_return timeline_value(co_await projects(c).timeline(c.who, c.project()));
}

rt::task<json::value> projects_log(call& c) {
  const auto limit = c.params.contains("limit") ? std::clamp<std::int64_t>(c.integer("limit"), 1, 1000) : 100;
  const auto entries = co_await projects(c).log(c.who, c.project(), static_cast<int>(limit));
  std::set<domain::account_id> ids;
  for (const auto& e : entries) {
    if (e.account_id) ids.insert(*e.account_id);
    const auto event = domain::parse_object(e.event);
    if (const auto* whom = event.if_contains("account_id"); whom && whom->is_string())
      if (const auto id = domain::account_id::parse(whom->get_string())) ids.insert(*id);
  }
  const std::vector<domain::account_id> wanted(ids.begin(), ids.end());
  co_return log_list(entries, co_await store::accounts(c.pool).get_people(wanted));
}

rt::task<json::value> accounts_search(call& c) {
  co_return person_list(co_await accounts(c).search(c.who, c.text("query")));
}
rt::task<json::value> accounts_update(call& c) {
  store::accounts::changes changes{c.optional_text("first_name"), c.optional_text("last_name"), std::nullopt};
  if (const auto* settings = find(c.params, "other_settings")) {
    if (!settings->is_object()) wrong("other_settings", "must be an object");
    changes.other_settings = json::serialize(*settings);
  }
  co_return account_row(co_await accounts(c).update(c.who, std::move(changes)));
}

rt::task<json::value> api_keys_list(call& c) {
  json::array out;
  for (const auto& key : co_await accounts(c).api_keys(c.who)) out.push_back(api_key_row(key));
  co_return out;
}
rt::task<json::value> api_keys_create(call& c) {
  std::optional<domain::timestamp> expire;
  if (const auto text = c.optional_text("expire")) {
    const auto time = domain::parse_timestamp(*text);
    if (!time) wrong("expire", "must be a time as 2026-07-03T12:34:56Z");
    expire = *time;
  }
  const auto made = co_await accounts(c).create_api_key(c.who, c.text("name"), expire);
  auto out = api_key_row(made.row);
  out["secret"] = made.secret;
  co_return out;
}
rt::task<json::value> api_keys_delete(call& c) {
  co_await accounts(c).delete_api_key(c.who, c.integer("id"));
  co_return json::object{};
}

}  // namespace

std::string call::text(std::string_view name) const {
  auto value = optional_text(name);
  if (!value) wrong(name, "is missing");
  return std::move(*value);
}

std::optional<std::string> call::optional_text(std::string_view name) const {
  const auto* v = find(params, name);
  if (!v) return std::nullopt;
  if (!v->is_string()) wrong(name, "must be text");
  return std::string(v->get_string());
}

bool call::flag(std::string_view name) const {
  const auto* v = find(params, name);
  if (v && !v->is_bool()) wrong(name, "must be true or false");
  return v && v->get_bool();
}

std::int64_t call::integer(std::string_view name) const {
  const auto* v = find(params, name);
  if (!v) wrong(name, "is missing");
  json::error_code problem;
  const auto number = v->to_number<std::int64_t>(problem);
  if (problem) wrong(name, "must be a whole number");
  return number;
}

domain::project_id call::project() const { return domain::project_id::parse(text("project_id")).value(); }

method find_method(std::string_view name) {
  static const std::unordered_map<std::string_view, method> all = {
      {"ping", ping},
      {"projects.create", projects_create},
      {"projects.start", on_project<&operations::projects::start>},
      {"projects.stop", on_project<&operations::projects::stop>},
      {"projects.restart", on_project<&operations::projects::restart>},
      {"projects.cancel_start", on_project<&operations::projects::cancel_start>},
      {"projects.update", projects_update},
      {"projects.delete", on_project<&operations::projects::remove>},
      {"projects.undelete", on_project<&operations::projects::undelete>},
      {"projects.add_collaborator", on_collaborator<&operations::projects::add_collaborator>},
      {"projects.remove_collaborator", on_collaborator<&operations::projects::remove_collaborator>},
      {"projects.collaborators", projects_collaborators},
      {"projects.timeline", projects_timeline},
      {"projects.log", projects_log},
      {"accounts.search", accounts_search},
      {"accounts.update", accounts_update},
      {"api_keys.list", api_keys_list},
      {"api_keys.create", api_keys_create},
      {"api_keys.delete", api_keys_delete},
  };
  const auto at = all.find(name);
  return at == all.end() ? nullptr : at->second;
}

}  // namespace atrium::hub_websocket
