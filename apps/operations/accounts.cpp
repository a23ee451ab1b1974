#include "apps/operations/accounts.hpp"

#include <boost/json.hpp>

#include "apps/domain/validation.hpp"

namespace atrium::operations {

namespace {

constexpr std::size_t settings_limit = 64 * 1024, keys_limit = 100;

void clean(std::optional<std::string>& name, std::string_view which) {
  if (name) name = domain::clean_person_name(*name, which).value();
}

/// The settings of the browser application: any object, of bounded size.
void check_settings(const std::string& text) {
  boost::json::error_code problem;
  const auto value = boost::json::parse(text, problem);
  if (problem || !value.is_object()) fail(disposition::invalid, "The settings are not a JSON object.");
  if (text.size() > settings_limit) fail(disposition::invalid, "The settings are too large: at most 64 KB.");
  if (text.find("\\u0000") != std::string::npos)
    fail(disposition::invalid, "The settings hold a character that cannot be stored.");
}

}  // namespace

rt::task<store::account> accounts::get(domain::account_id who) {
  auto account = co_await store::accounts(pool_).get(who);
  if (!account) fail(disposition::not_found, "This account does not exist any more.");
  co_return std::move(*account);
}

rt::task<store::account> accounts::update(domain::account_id who, store::accounts::changes changes) {
  clean(changes.first_name, "first name");
  clean(changes.last_name, "last name");
  if (changes.other_settings) check_settings(*changes.other_settings);
  co_return co_await store::accounts(pool_).update(who, changes);
}

rt::task<std::vector<store::person>> accounts::search(domain::account_id, std::string query) {
  const auto length = domain::utf8_length(query);
  if (!length || *length < 2)
    fail(disposition::invalid, "Type at least two letters of a name, or a whole e-mail address.");
  if (*length > 254) fail(disposition::invalid, "This is too long for a name or an e-mail address.");
  co_return co_await store::accounts(pool_).search(query);
}

rt::task<std::vector<store::api_key>> accounts::api_keys(domain::account_id who) {
  co_return co_await store::api_keys(pool_).list(who);
}

rt::task<store::api_keys::created> accounts::create_api_key(domain::account_id who, std::string name,
                                                            std::optional<domain::timestamp> expire) {
  auto cleaned = domain::clean_key_name(name).value();
  if (expire && *expire <= domain::now())
    fail(disposition::invalid, "The key would have expired already. Choose a later time.");
  if ((co_await store::api_keys(pool_).list(who)).size() >= keys_limit)
    fail(disposition::overloaded, "You have 100 API keys, which is the limit. Delete those that you do not need.");
  co_return co_await store::api_keys(pool_).create(who, cleaned, std::nullopt, expire);
}

rt::task<void> accounts::rename_api_key(domain::account_id who, std::int64_t id, std::string name) {
  const auto cleaned = domain::clean_key_name(name).value();
  if (!co_await store::api_keys(pool_).rename(who, id, cleaned))
    fail(disposition::not_found, "You have no such API key.");
}

rt::task<void> accounts::delete_api_key(domain::account_id who, std::int64_t id) {
  if (!co_await store::api_keys(pool_).remove(who, id)) fail(disposition::not_found, "You have no such API key.");
}

}  // namespace atrium::operations
