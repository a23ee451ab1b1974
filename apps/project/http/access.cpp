#include "apps/project/http/access.hpp"

#include "apps/domain/crypto.hpp"
#include "apps/domain/user_header.hpp"
#include "apps/project/session/session.hpp"

namespace atrium::project {

namespace {

bool is_authorized(const net::request& r, std::string_view secret) {
  const auto values = r.headers.all("Authorization");
  if (secret.empty() || values.size() != 1) return false;
  constexpr std::string_view scheme = "Bearer ";
  auto value = values.front();
  if (value.size() <= scheme.size() || !net::equal_nocase(value.substr(0, scheme.size()), scheme)) return false;
  value.remove_prefix(scheme.size());
  return domain::equal_in_constant_time(value, secret);
}

rt::task<void> check_and_pass(net::exchange& e, std::string_view secret, const net::handler& next) {
  if (!is_authorized(e.request(), secret))
    fail(disposition::unauthenticated, "This server answers only to the hubs of its installation.");
  co_await next(e);
}

}  // namespace

net::handler guarded(const std::string& secret, net::handler next) {
  return [&secret, next = std::move(next)](net::exchange& e) { return check_and_pass(e, secret, next); };
}

person person_of(const net::request& r, std::string_view secret) {
  const auto values = r.headers.all(domain::user_header_name);
  if (values.size() != 1) fail(disposition::unauthenticated, "The request does not say who asks.");
  const auto who = domain::verify_user_header(values.front(), secret, domain::now()).value();
  return {who.account_id.str(), who.name, session::color_of(who.account_id.view())};
}

}  // namespace atrium::project
