/// @file values.hpp - short ways through JSON values, API times and API errors. Layer: apps/devcluster, I/O-free.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>
#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::devcluster {

namespace json = boost::json;
using path = std::initializer_list<std::string_view>;
using wall_time = std::chrono::system_clock::time_point;

using k8s::find;
json::value* find(json::value& root, path keys) noexcept;
/// Text there, or empty.
std::string_view text_at(const json::value& root, path keys) noexcept;
std::optional<std::int64_t> int_at(const json::value& root, path keys) noexcept;
bool true_at(const json::value& root, path keys) noexcept;
/// The array (object) there, or an empty one.
const json::array& array_at(const json::value& root, path keys) noexcept;
const json::object& object_at(const json::value& root, path keys) noexcept;
const json::array& array_at(json::value&&, path) = delete;  // would point into a value that is gone
const json::object& object_at(json::value&&, path) = delete;
/// Makes objects along the way; what is in the way and no object is replaced.
json::object& ensure_object(json::value& root, path keys);
void set_at(json::value& root, path keys, json::value what);
void erase_at(json::value& root, path keys) noexcept;

inline std::string_view as_view(const json::string& s) noexcept { return {s.data(), s.size()}; }

/// A whole number in digits and nothing else.
template <std::integral I>
std::optional<I> whole_number(std::string_view text) noexcept {
  I n = 0;
  const auto [rest, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (bad != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return n;
}

/// A value as field selectors compare it: strings as they are, numbers and booleans as text, else empty.
std::string scalar_text(const json::value& value);

/// RFC 3339 in UTC, seconds ("2026-01-02T03:04:05Z") or microseconds (MicroTime).
std::string rfc3339(wall_time);
std::string rfc3339_micro(wall_time);
std::optional<wall_time> parse_rfc3339(std::string_view text) noexcept;

/// "500m", "1.5", "2Gi", "3e3" in units of 1/1000. @errors BadRequest
result<std::int64_t> parse_quantity(std::string_view text);

/// An error of the API: `reason` is one of Kubernetes' StatusReasons and decides the HTTP status.
error api_error(std::string_view reason, std::string message,
                std::source_location where = std::source_location::current());
unsigned status_of_reason(std::string_view reason) noexcept;
/// The StatusReason of any error; by its disposition when it was not made by api_error.
std::string reason_of(const error&);

}  // namespace atrium::devcluster
