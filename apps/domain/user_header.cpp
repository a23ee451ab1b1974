#include "apps/domain/user_header.hpp"

#include "apps/domain/json.hpp"
#include "apps/domain/signed_object.hpp"

namespace atrium::domain {

std::string sign_user_header(const user_identity& user, std::string_view project_secret) {
  return sign_object(
      {{"account_id", user.account_id.view()}, {"name", user.name}, {"expires", to_unix_seconds(user.expires)}},
      project_secret);
}

result<user_identity> verify_user_header(std::string_view value, std::string_view project_secret, timestamp now) {
  const auto bad = [] {
    return error(disposition::unauthenticated, "The project could not tell who you are. Reload the page.");
  };
  if (!is_signed_with(value, project_secret)) return bad();
  const auto o = read_signed_object(value);
  if (!o) return bad();
  const auto id = account_id::parse(string_at(*o, "account_id").value_or(""));
  const auto until = unix_seconds_at(*o, "expires");
  if (!id || !until || *until <= now) return bad();
  return user_identity{*id, std::string(string_at(*o, "name").value_or("")), *until};
}

}  // namespace atrium::domain
