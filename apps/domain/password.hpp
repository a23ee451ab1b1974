/// @file password.hpp - argon2id (RFC 9106) with OWASP's parameters: 19 MiB, 2 passes, 1 lane. Layer: apps/domain.
/// Both functions compute for tens of milliseconds: call them through rt::blocking.
#pragma once

#include <string>
#include <string_view>

namespace atrium::domain {

/// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>": fits accounts.password_hash.
std::string hash_password(std::string_view password);
/// False for a wrong password and for text that is no such hash. Hashes that ask for more than 256 MiB, 16 passes or
/// 8 lanes are refused.
bool verify_password(std::string_view hash, std::string_view password);
/// True when `hash` was made with other parameters than today's: hash anew at the next sign-in.
bool needs_rehash(std::string_view hash) noexcept;
/// A hash that no password meets, with today's parameters: verifying against it takes as long as against a real one.
const std::string& unmatchable_hash();

}  // namespace atrium::domain
