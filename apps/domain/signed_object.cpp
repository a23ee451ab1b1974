#include "apps/domain/signed_object.hpp"

#include "apps/domain/crypto.hpp"
#include "apps/domain/json.hpp"

namespace atrium::domain {

namespace {

constexpr std::size_t longest = 8192;
constexpr std::int64_t end_of_9999 = 253402300799;

}  // namespace

std::string sign_object(const boost::json::object& object, std::string_view secret) {
  const auto payload = base64url_encode(boost::json::serialize(object));
  return payload + "." + hmac_sha256_hex(secret, payload);
}

std::optional<boost::json::object> read_signed_object(std::string_view signed_text) {
  const auto dot = signed_text.find('.');
  if (signed_text.size() > longest || dot == std::string_view::npos) return std::nullopt;
  const auto text = base64url_decode(signed_text.substr(0, dot));
  if (!text) return std::nullopt;
  return parse_object(*text);
}

bool is_signed_with(std::string_view signed_text, std::string_view secret) {
  const auto dot = signed_text.find('.');
  return dot != std::string_view::npos && signed_text.size() <= longest && !secret.empty() &&
         equal_in_constant_time(signed_text.substr(dot + 1), hmac_sha256_hex(secret, signed_text.substr(0, dot)));
}

std::int64_t to_unix_seconds(timestamp t) noexcept {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

std::optional<timestamp> unix_seconds_at(const boost::json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (!v || !v->is_int64() || v->get_int64() < 0 || v->get_int64() > end_of_9999) return std::nullopt;
  return timestamp{std::chrono::seconds(v->get_int64())};
}

}  // namespace atrium::domain
