/// @file user_header.hpp - X-Atrium-User: who is behind a request that hub-proxy passes into a project, signed with the
/// project's secret (docs/protocols.md section 2). Layer: apps/domain.
#pragma once

#include <string>
#include <string_view>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"

namespace atrium::domain {

inline constexpr std::string_view user_header_name = "X-Atrium-User";

struct user_identity {
  domain::account_id account_id;
  std::string name;     ///< as people read it
  timestamp expires{};  ///< kept in whole seconds
};

/// `<base64url JSON>.<hex HMAC-SHA-256 of the first part>`
std::string sign_user_header(const user_identity&, std::string_view project_secret);
/// @errors unauthenticated: malformed, signed with another secret, expired at `now`
result<user_identity> verify_user_header(std::string_view value, std::string_view project_secret, timestamp now);

}  // namespace atrium::domain
