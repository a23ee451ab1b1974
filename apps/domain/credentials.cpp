#include "apps/domain/credentials.hpp"

#include <algorithm>

#include "apps/domain/crypto.hpp"

namespace atrium::domain {

namespace {

constexpr std::string_view base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view key_prefix = "sk-";
constexpr std::size_t random_part = 16, id_part = 6;

bool all_base62(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

std::string cookie(std::string_view value, bool secure, long long max_age) {
  std::string out(session_cookie_name);
  out += '=';
  out += value;
  out += "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(max_age);
  if (secure) out += "; Secure";
  return out;
}

bool equal_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

std::string new_session_token() { return random_token(43); }

bool looks_like_session_token(std::string_view text) noexcept { return text.size() == 43 && all_base62(text); }

std::string session_hash(std::string_view token) { return sha256_hex(token); }

std::string session_set_cookie(std::string_view token, bool secure) {
  return cookie(token, secure, std::chrono::duration_cast<std::chrono::seconds>(session_lifetime).count());
}

std::string session_clear_cookie(bool secure) { return cookie("", secure, 0); }

std::string new_api_key(std::int64_t id) {
  std::string spelled(id_part, base62[0]);
  for (auto at = spelled.rbegin(); at != spelled.rend(); ++at, id /= 62)
    *at = base62[static_cast<std::size_t>(id % 62)];
  return std::string(key_prefix) + random_token(random_part) + spelled;
}

std::optional<api_key_parts> parse_api_key(std::string_view key) noexcept {
  if (key.size() != key_prefix.size() + random_part + id_part || !key.starts_with(key_prefix)) return std::nullopt;
  key.remove_prefix(key_prefix.size());
  if (!all_base62(key)) return std::nullopt;
  api_key_parts parts{0};
  for (const char c : key.substr(random_part)) parts.id = parts.id * 62 + static_cast<std::int64_t>(base62.find(c));
  return parts;
}

std::string api_key_hash(std::string_view key) { return sha256_hex(key); }

std::string api_key_trunc(std::string_view key) {
  return std::string(key_prefix) + "..." + std::string(key.substr(key.size() - std::min<std::size_t>(key.size(), 6)));
}

std::string api_key_of_authorization(std::string_view value) {
  const auto space = value.find(' ');
  if (space == std::string_view::npos) return {};
  const auto scheme = value.substr(0, space);
  value.remove_prefix(space);
  while (value.starts_with(' ')) value.remove_prefix(1);
  std::string text;
  if (equal_word(scheme, "bearer")) {
    text = value;
  } else if (equal_word(scheme, "basic")) {
    const auto plain = base64_decode(value);
    if (plain) text = plain->substr(0, plain->find(':'));
  }
  return text.starts_with(key_prefix) ? text : std::string();
}

}  // namespace atrium::domain
