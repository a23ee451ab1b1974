/// @file credentials.hpp - session cookies and API keys: how they look and what of them is stored. Layer: apps/domain.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace atrium::domain {

inline constexpr std::string_view session_cookie_name = "atrium_session";
inline constexpr std::chrono::hours session_lifetime{24 * 180};

/// 43 random characters (256 bits): the cookie's value. Only session_hash() of it is stored.
std::string new_session_token();
bool looks_like_session_token(std::string_view) noexcept;
/// remember_me.hash
std::string session_hash(std::string_view token);
/// Value of a Set-Cookie header. `secure`: the client came by TLS.
std::string session_set_cookie(std::string_view token, bool secure);
std::string session_clear_cookie(bool secure);

/// API key: "sk-" + 16 random characters + 6 characters that spell the row's id in base 62, so that a key is found by
/// id and then compared.
struct api_key_parts {
  std::int64_t id;
};
std::string new_api_key(std::int64_t id);
std::optional<api_key_parts> parse_api_key(std::string_view) noexcept;
/// api_keys.hash: keys are random, so one SHA-256 does.
std::string api_key_hash(std::string_view key);
/// api_keys.trunc: "sk-...xyz123"
std::string api_key_trunc(std::string_view key);

/// The key in an Authorization header: `Bearer sk-...` or `Basic base64("sk-...:")`. Empty when there is none; other
/// credentials there (of a proxy before us, of an application behind us) are no keys.
std::string api_key_of_authorization(std::string_view header_value);

}  // namespace atrium::domain
