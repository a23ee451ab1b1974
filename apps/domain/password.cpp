#include "apps/domain/password.hpp"

#include <argon2.h>

#include <array>
#include <charconv>
#include <string>

#include "apps/domain/crypto.hpp"
#include "atrium/base/error.hpp"

namespace atrium::domain {

namespace {

constexpr std::uint32_t memory_kib = 19 * 1024, passes = 2, lanes = 1;
constexpr std::size_t salt_bytes = 16, hash_bytes = 32;

struct cost {
  std::uint32_t memory = 0, passes = 0, lanes = 0;
};

bool take_parameter(std::string_view& text, std::string_view name, std::uint32_t& into) {
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (problem != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(',')) text.remove_prefix(1);
  return true;
}

/// Cost parameters of "$argon2id$v=19$m=..,t=..,p=..$...", or zeros.
cost cost_of(std::string_view hash) {
  constexpr std::string_view prefix = "$argon2id$v=19$";
  cost c;
  if (!hash.starts_with(prefix)) return {};
  hash.remove_prefix(prefix.size());
  if (!take_parameter(hash, "m=", c.memory) || !take_parameter(hash, "t=", c.passes) ||
      !take_parameter(hash, "p=", c.lanes))
    return {};
  return hash.starts_with('$') ? c : cost{};
}

}  // namespace

std::string hash_password(std::string_view password) {
  std::array<std::byte, salt_bytes> salt;
  random_bytes(salt);
  std::array<char, 160> encoded;
  const int code = argon2id_hash_encoded(passes, memory_kib, lanes, password.data(), password.size(), salt.data(),
                                         salt.size(), hash_bytes, encoded.data(), encoded.size());
  if (code != ARGON2_OK)
    throw failure(error(disposition::overloaded,
                        "The password could not be processed: the server is short of memory. Try again in a moment.")
                      .with_peer_text(argon2_error_message(code)));
  return encoded.data();
}

bool verify_password(std::string_view hash, std::string_view password) {
  const auto c = cost_of(hash);
  if (c.memory == 0 || c.memory > 256 * 1024 || c.passes == 0 || c.passes > 16 || c.lanes == 0 || c.lanes > 8)
    return false;
  const int code = argon2id_verify(std::string(hash).c_str(), password.data(), password.size());
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
    throw failure(error(disposition::overloaded,
                        "The password could not be checked: the server is short of memory. Try again in a moment."));
  return code == ARGON2_OK;
}

bool needs_rehash(std::string_view hash) noexcept {
  const auto c = cost_of(hash);
  return c.memory != memory_kib || c.passes != passes || c.lanes != lanes;
}

const std::string& unmatchable_hash() {
  static const std::string hash = hash_password(random_token(32));
  return hash;
}

}  // namespace atrium::domain
