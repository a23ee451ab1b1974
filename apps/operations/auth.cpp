#include "apps/operations/auth.hpp"

#include <atomic>

#include "apps/domain/credentials.hpp"
#include "apps/domain/crypto.hpp"
#include "apps/domain/password.hpp"
#include "apps/domain/validation.hpp"
#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::operations {

namespace {

/// Each password takes 19 MiB and some tens of milliseconds: beyond this many at once the answer is "later".
constexpr int hashing_limit = 64;

template <class Compute>
auto hash_work(Compute compute) -> rt::task<std::invoke_result_t<Compute>> {
  static std::atomic<int> running{0};
  struct place {
    place() {
      if (running.fetch_add(1) >= hashing_limit) {
        running.fetch_sub(1);
        fail(disposition::overloaded, "Many people are signing in right now. Try again in a few seconds.");
      }
    }
    ~place() { running.fetch_sub(1); }
  } taken;
  co_return co_await rt::blocking(std::move(compute));
}

store::throttle::rule client_rule(std::string_view what, const std::string& client, int per_minute, int per_hour) {
  return {std::string(what) + " client " + (client.empty() ? "unknown" : client), per_minute, per_hour};
}

error wrong_credentials() {
  return error(disposition::unauthenticated, "The e-mail address or the password is wrong. Check both and try again.");
}

rt::task<std::string> open_session(pg::pool& pool, domain::account_id account) {
  auto token = domain::new_session_token();
  co_await store::sessions(pool).create(domain::session_hash(token), account, domain::now() + domain::session_lifetime);
  co_return token;
}

template <class Clean>
std::optional<field_error> clean_field(std::string& value, const char* field, Clean clean) {
  auto cleaned = clean(value);
  if (!cleaned) return field_error{field, cleaned.error()};
  value = std::move(*cleaned);
  return std::nullopt;
}

}  // namespace

std::string api_key_of(const net::request& request) {
  const auto header = request.headers.find("Authorization");
  return header ? domain::api_key_of_authorization(*header) : std::string();
}

std::optional<field_error> check(sign_up_form& form) {
  if (auto wrong = clean_field(form.first_name, "first_name",
                               [](auto& v) { return domain::clean_person_name(v, "first name"); }))
    return wrong;
  if (auto wrong =
          clean_field(form.last_name, "last_name", [](auto& v) { return domain::clean_person_name(v, "last name"); }))
    return wrong;
  if (auto wrong = clean_field(form.email, "email", [](auto& v) { return domain::clean_email(v); })) return wrong;
  if (auto wrong =
          clean_field(form.password, "password", [&](auto& v) { return domain::check_new_password(v, form.email); }))
    return wrong;
  if (!form.terms) return field_error{"terms", error(disposition::invalid, "Accept the terms to make an account.")};
  return std::nullopt;
}

rt::task<signed_in> auth::sign_up(sign_up_form form, std::string client) {
  if (auto wrong = check(form)) throw failure(std::move(wrong->error));
  // Wide enough for a lecture hall behind one address.
  const store::throttle::rule rules[] = {client_rule("sign-up", client, 120, 1000)};
  if (!(co_await store::throttle(pool_).begin(rules)).allowed)
    fail(disposition::overloaded, "Too many accounts were made from your network. Try again in an hour.");
  auto hash = co_await hash_work([password = form.password] { return domain::hash_password(password); });
  auto account =
      co_await store::accounts(pool_).create({form.email, std::move(hash), form.first_name, form.last_name, client});
  log::info("account created", {{"account_id", account.account_id.view()}, {"admin", account.is_admin()}});
  auto token = co_await open_session(pool_, account.account_id);
  co_return signed_in{std::move(account), std::move(token)};
}

rt::task<signed_in> auth::sign_in(std::string email, std::string password, std::string client) {
  auto cleaned = domain::clean_email(email);
  if (!cleaned) throw failure(cleaned.error());
  if (password.empty()) fail(disposition::invalid, "Enter your password.");
  const store::throttle::rule rules[] = {{"sign-in email " + domain::sha256_hex(*cleaned), 5, 50},
                                         client_rule("sign-in", client, 30, 200)};
  const auto attempt = co_await store::throttle(pool_).begin(rules);
  if (!attempt.allowed) fail(disposition::overloaded, "Too many attempts to sign in. Wait a minute, then try again.");

  auto found = co_await store::accounts(pool_).find_by_email(*cleaned);
  const bool known = found && !found->password_hash.empty();
  // For somebody unknown the same work is done, so that the time does not tell who has an account.
  const bool right = co_await hash_work([hash = known ? found->password_hash : std::string(), password] {
    return domain::verify_password(hash.empty() ? domain::unmatchable_hash() : hash, password);
  });
  if (!known || !right) throw failure(wrong_credentials());
  co_await store::throttle(pool_).forgive(attempt);
  if (found->account.banned)
    fail(disposition::denied, "This account is suspended. Write to the administrator of this site.");
  if (domain::needs_rehash(found->password_hash)) {
    const auto hash = co_await hash_work([password] { return domain::hash_password(password); });
    co_await store::accounts(pool_).set_password_hash(found->account.account_id, hash);
  }
  auto token = co_await open_session(pool_, found->account.account_id);
  co_return signed_in{std::move(found->account), std::move(token)};
}

rt::task<void> auth::sign_out(const net::request& request) {
  for (const auto token : request.cookies(domain::session_cookie_name))
    if (domain::looks_like_session_token(token)) co_await store::sessions(pool_).remove(domain::session_hash(token));
}

rt::task<void> auth::sign_out_everywhere(domain::account_id account) {
  co_await store::sessions(pool_).remove_all(account);
}

rt::task<std::optional<identity>> auth::authenticate(const net::request& request) {
  if (const auto key = api_key_of(request); !key.empty()) {
    auto owner = co_await store::api_keys(pool_).find(key);
    if (!owner) co_return std::nullopt;
    co_return identity{std::move(owner->account), identity::kind::api_key, {}, owner->project_id};
  }
  int tried = 0;  // a cookie of that name may also be set by a neighbouring host: look past a few wrong ones
  for (const auto token : request.cookies(domain::session_cookie_name)) {
    if (!domain::looks_like_session_token(token) || ++tried > 4) continue;
    auto hash = domain::session_hash(token);
    auto account = co_await store::sessions(pool_).find(hash);
    if (account) co_return identity{std::move(*account), identity::kind::session, std::move(hash), std::nullopt};
  }
  co_return std::nullopt;
}

rt::task<identity> auth::require(const net::request& request) {
  auto who = co_await authenticate(request);
  if (!who) fail(disposition::unauthenticated, "You are not signed in. Sign in, or send an API key.");
  co_return std::move(*who);
}

}  // namespace atrium::operations
