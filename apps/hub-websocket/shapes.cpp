#include "apps/hub-websocket/shapes.hpp"

#include <algorithm>

#include "apps/domain/json.hpp"
#include "apps/operations/rows.hpp"

namespace atrium::hub_websocket {

namespace json = boost::json;

json::object project_row(const store::project& p, const name_of& name) {
  auto row = operations::project_row(p);
  json::array collaborators;
  for (const auto& [account, group] : p.users)
    collaborators.push_back(
        json::object{{"account_id", account.view()}, {"name", name(account)}, {"group", domain::to_string(group)}});
  row["collaborators"] = std::move(collaborators);
  return row;
}

json::object account_row(const store::account& a) {
  auto row = operations::account_row(a);
  row["other_settings"] = domain::parse_object(a.other_settings);
  row["created"] = domain::time_or_null(a.created);
  return row;
}

json::array collaborator_list(const std::vector<store::collaborator>& all) {
  json::array out;
  for (const auto& c : all) {
    json::object one{{"account_id", c.person.account_id.view()},
                     {"first_name", c.person.first_name},
                     {"last_name", c.person.last_name},
                     {"group", domain::to_string(c.group)}};
    if (!c.person.email_address.empty()) one["email_address"] = c.person.email_address;
    out.push_back(std::move(one));
  }
  return out;
}

json::array person_list(const std::vector<store::person>& all) {
  json::array out;
  for (const auto& p : all)
    out.push_back(
        json::object{{"account_id", p.account_id.view()}, {"first_name", p.first_name}, {"last_name", p.last_name}});
  return out;
}

json::object api_key_row(const store::api_key& k) {
  json::object row{{"id", k.id},
                   {"name", k.name},
                   {"trunc", k.trunc},
                   {"created", domain::time_or_null(k.created)},
                   {"expire", domain::time_or_null(k.expire)},
                   {"last_active", domain::time_or_null(k.last_active)}};
  if (k.project_id) row["project_id"] = k.project_id->view();
  return row;
}

json::value timeline_value(const domain::start_timeline& t) { return json::parse(domain::to_json(t)); }

json::array log_list(const std::vector<store::log_entry>& entries, const std::vector<store::person>& people) {
  const auto name = [&](const std::optional<domain::account_id>& id) -> json::value {
    const auto at = std::ranges::find_if(people, [&](const store::person& p) { return id && p.account_id == *id; });
    if (at == people.end()) return nullptr;
    return json::value(at->full_name());
  };
  json::array out;
  for (const auto& e : entries) {
    json::object event = domain::parse_object(e.event);
    // Whom somebody added or removed.
    if (const auto* whom = event.if_contains("account_id"); whom && whom->is_string() && !event.contains("name"))
      if (const auto id = domain::account_id::parse(whom->get_string())) event["name"] = name(*id);
    json::object one{{"id", e.id}, {"time", domain::to_iso8601(e.time)}};
    one["account_id"] = e.account_id ? json::value(e.account_id->view()) : json::value(nullptr);
    one["name"] = name(e.account_id);
    one["event"] = std::move(event);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace atrium::hub_websocket
