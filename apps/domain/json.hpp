/// @file json.hpp - reading JSON columns without trust: what is missing or of another type is absent. Layer:
/// apps/domain. For .cpp files: it includes all of Boost.JSON.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "apps/domain/time.hpp"

namespace atrium::domain {

/// The object in `text`; an empty one when it is no JSON, or JSON of another kind. Nesting is limited.
inline boost::json::object parse_object(std::string_view text) {
  boost::json::error_code problem;
  boost::json::parse_options options;
  options.max_depth = 32;
  auto value = boost::json::parse(text, problem, {}, options);
  if (problem || !value.is_object()) return {};
  return std::move(value.get_object());
}

inline std::optional<std::string_view> string_at(const boost::json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (!v || !v->is_string()) return std::nullopt;
  return std::string_view(v->get_string());
}

inline std::optional<double> number_at(const boost::json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (!v || !v->is_number()) return std::nullopt;
  return v->to_number<double>();
}

/// true, false, and the numbers that stand for them in older rows.
inline std::optional<bool> bool_at(const boost::json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v && v->is_bool()) return v->get_bool();
  if (v && v->is_number()) return v->to_number<double>() > 0;
  return std::nullopt;
}

inline std::optional<timestamp> time_at(const boost::json::object& o, std::string_view key) {
  const auto text = string_at(o, key);
  if (!text) return std::nullopt;
  const auto time = parse_timestamp(*text);
  return time ? std::optional(*time) : std::nullopt;
}

inline boost::json::value time_or_null(const std::optional<timestamp>& time) {
  if (!time) return nullptr;
  return boost::json::string(to_iso8601(*time));
}

}  // namespace atrium::domain
