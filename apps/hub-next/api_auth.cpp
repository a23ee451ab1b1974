// Calls about accounts, sessions and keys.
#include "apps/domain/credentials.hpp"
#include "apps/domain/json.hpp"
#include "apps/hub-next/api.hpp"
#include "apps/hub-next/handlers.hpp"
#include "apps/operations/accounts.hpp"

namespace atrium::hub_next {

namespace {

/// The names that fields of the form have in this API.
std::string_view api_name(std::string_view field) {
  if (field == "first_name") return "firstName";
  if (field == "last_name") return "lastName";
  return field;
}

json::value opened(call& c, operations::signed_in done) {
  c.set_cookies.push_back(domain::session_set_cookie(done.session_token, secure(c.exchange)));
  return {{"account_id", done.account.account_id.view()}};
}

rt::task<json::value> sign_up(call& c) {
  operations::sign_up_form form{c.in.text("email"), c.in.text("password"), c.in.text("firstName"),
                                c.in.text("lastName"), c.in.flag("terms")};
  if (auto wrong = operations::check(form))
    throw failure(std::move(wrong->error).with_code("field." + std::string(api_name(wrong->field))));
  co_return opened(c, co_await operations::auth(c.site.pool).sign_up(std::move(form), client_of(c.exchange)));
}

rt::task<json::value> sign_in(call& c) {
  co_return opened(
      c,
      co_await operations::auth(c.site.pool).sign_in(c.in.text("email"), c.in.text("password"), client_of(c.exchange)));
}

rt::task<json::value> sign_out(call& c) {
  operations::auth auth(c.site.pool);
  if (c.in.flag("all") && c.who) {
    c.require_whole_account();
    co_await auth.sign_out_everywhere(c.account());
  }
  co_await auth.sign_out(c.exchange.request());
  c.set_cookies.push_back(domain::session_clear_cookie(secure(c.exchange)));
  co_return success();
}

json::object key_value(const store::api_key& k) {
  return {{"id", k.id},
          {"account_id", k.account_id.view()},
          {"project_id", k.project_id ? json::value(k.project_id->view()) : json::value(nullptr)},
          {"name", k.name},
          {"trunc", k.trunc},
          {"created", domain::time_or_null(k.created)},
          {"expire", domain::time_or_null(k.expire)},
          {"last_active", domain::time_or_null(k.last_active)}};
}

std::int64_t key_id(const call& c) {
  const auto id = c.in.maybe_number("id");
  if (!id || *id < 0 || *id > 2147483647)
    fail(disposition::invalid, "The parameter id must be the number of an API key.");
  return static_cast<std::int64_t>(*id);
}

rt::task<json::value> api_keys(call& c) {
  c.require_whole_account();
  operations::accounts accounts(c.site.pool);
  const auto action = c.in.text("action");
  json::array keys;
  if (action == "get") {
    for (const auto& k : co_await accounts.api_keys(c.account())) keys.push_back(key_value(k));
  } else if (action == "create") {
    const auto made = co_await accounts.create_api_key(c.account(), c.in.maybe_text("name").value_or("API key"),
                                                       c.in.maybe_time("expire"));
    auto value = key_value(made.row);
    value["secret"] = made.secret;
    keys.push_back(std::move(value));
  } else if (action == "edit") {
    co_await accounts.rename_api_key(c.account(), key_id(c), c.in.text("name"));
  } else if (action == "delete") {
    co_await accounts.delete_api_key(c.account(), key_id(c));
  } else {
    fail(disposition::invalid, "The parameter action must be get, create, edit or delete.");
  }
  co_return json::object{{"response", std::move(keys)}};
}

constexpr endpoint endpoints[] = {
    {"auth/sign-up", "email, password, firstName, lastName, terms", "{account_id} and the session cookie", true, false,
     sign_up},
    {"auth/sign-in", "email, password", "{account_id} and the session cookie", true, false, sign_in},
    {"auth/sign-out", "all?: end every session of the account", "{status}", true, false, sign_out},
    {"api-keys", "action: get | create | edit | delete, id?, name?, expire?",
     "{response: [{id, name, trunc, created, expire, last_active, secret (create only)}]}", false, false, api_keys},
};

}  // namespace

std::span<const endpoint> auth_endpoints() noexcept { return endpoints; }

}  // namespace atrium::hub_next
