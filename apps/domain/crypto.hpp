/// @file crypto.hpp - randomness, digests and encodings that identities are made of. Layer: apps/domain.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::domain {

/// Fills from the system's generator; ends the process when the kernel has none to give.
void random_bytes(std::span<std::byte> into) noexcept;
/// `length` characters of [0-9A-Za-z], uniformly (5.95 bits each).
std::string random_token(std::size_t length);

/// Lower-case hexadecimal SHA-256.
std::string sha256_hex(std::string_view);
/// Lower-case hexadecimal HMAC-SHA-256 (RFC 2104).
std::string hmac_sha256_hex(std::string_view key, std::string_view message);
/// Takes the same time wherever the texts differ; the lengths may show.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

/// RFC 4648 section 5, without padding.
std::string base64url_encode(std::string_view bytes);
/// @errors invalid (characters, length, bits that should be zero)
result<std::string> base64url_decode(std::string_view text);
/// RFC 4648 section 4; padding may be missing. @errors invalid
result<std::string> base64_decode(std::string_view text);

}  // namespace atrium::domain
