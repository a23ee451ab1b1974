/// @file signed_object.hpp - small JSON objects that come back through other hands: signed, not secret. For .cpp files:
/// it includes all of Boost.JSON. Layer: apps/domain.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "apps/domain/time.hpp"

namespace atrium::domain {

/// `<base64url JSON>.<hex HMAC-SHA-256 of the first part>`
std::string sign_object(const boost::json::object&, std::string_view secret);
/// What the text says, before anything about it is believed; nullopt when it is malformed.
std::optional<boost::json::object> read_signed_object(std::string_view signed_text);
/// Whether it was signed with this secret (never with an empty one). Takes the same time wherever signatures differ.
bool is_signed_with(std::string_view signed_text, std::string_view secret);

/// Times in such objects: whole seconds since 1970, none after the year 9999.
std::int64_t to_unix_seconds(timestamp) noexcept;
std::optional<timestamp> unix_seconds_at(const boost::json::object&, std::string_view key);

}  // namespace atrium::domain
