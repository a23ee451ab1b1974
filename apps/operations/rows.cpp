#include "apps/operations/rows.hpp"

#include "apps/domain/json.hpp"

namespace atrium::operations {

namespace json = boost::json;

json::object project_row(const store::project& p) {
  json::object users;
  for (const auto& [account, group] : p.users)
    users[account.view()] = json::object{{"group", domain::to_string(group)}};
  return {{"project_id", p.project_id.view()},
          {"title", p.title},
          {"description", p.description},
          {"state", domain::parse_object(domain::to_json(p.state))},
          {"status", domain::parse_object(p.status)},
          {"action_request",
           p.action_request ? json::value(domain::parse_object(domain::to_json(*p.action_request))) : nullptr},
          {"users", std::move(users)},
          {"last_edited", domain::time_or_null(p.last_edited)},
          {"last_active", domain::parse_object(p.last_active)},
          {"created", domain::time_or_null(p.created)},
          {"deleted", p.deleted}};
}

json::object account_row(const store::account& a) {
  json::array groups;
  for (const auto& g : a.groups) groups.emplace_back(g);
  return {{"account_id", a.account_id.view()},
          {"email_address", a.email_address},
          {"first_name", a.first_name},
          {"last_name", a.last_name},
          {"groups", std::move(groups)}};
}

}  // namespace atrium::operations
