#include "apps/domain/user_header.hpp"

#include "apps/domain/crypto.hpp"
#include "apps/domain/json.hpp"

namespace atrium::domain {

std::string sign_user_header(const user_identity& user, std::string_view project_secret) {
  const auto expires = std::chrono::floor<std::chrono::seconds>(user.expires).time_since_epoch().count();
  const auto payload = base64url_encode(boost::json::serialize(
      boost::json::object{{"account_id", user.account_id.view()}, {"name", user.name}, {"expires", expires}}));
  return payload + "." + hmac_sha256_hex(project_secret, payload);
}

result<user_identity> verify_user_header(std::string_view value, std::string_view project_secret, timestamp now) {
  const auto bad = [] {
    return error(disposition::unauthenticated, "The project could not tell who you are. Reload the page.");
  };
  if (value.size() > 8192 || project_secret.empty()) return bad();
  const auto dot = value.find('.');
  if (dot == std::string_view::npos) return bad();
  const auto payload = value.substr(0, dot);
  if (!equal_in_constant_time(value.substr(dot + 1), hmac_sha256_hex(project_secret, payload))) return bad();
  const auto text = base64url_decode(payload);
  if (!text) return bad();
  const auto o = parse_object(*text);
  const auto id = account_id::parse(string_at(o, "account_id").value_or(""));
  const auto* expires = o.if_contains("expires");
  if (!id || !expires || !expires->is_int64() || expires->get_int64() > 253402300799) return bad();
  const timestamp until{std::chrono::seconds(expires->get_int64())};
  if (until <= now) return bad();
  return user_identity{*id, std::string(string_at(o, "name").value_or("")), until};
}

}  // namespace atrium::domain
