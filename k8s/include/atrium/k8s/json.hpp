/// @file json.hpp - careful reading of JSON that others wrote: absent and wrongly typed fields are the same. Layer:
/// k8s. I/O-free.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::k8s {

using path_keys = std::initializer_list<std::string_view>;

/// The value below nested objects, or null. The pointer is good as long as `root` is unchanged.
const boost::json::value* find(const boost::json::value& root, path_keys keys) noexcept;
/// Text at that place, or `otherwise`.
std::string text_at(const boost::json::value& root, path_keys keys, std::string_view otherwise = {});
std::int64_t integer_at(const boost::json::value& root, path_keys keys, std::int64_t otherwise = 0) noexcept;
bool boolean_at(const boost::json::value& root, path_keys keys, bool otherwise = false) noexcept;

/// Parses JSON with a bounded depth. The value lives in memory that grows and is freed at once: cheap to make and to
/// destroy; a copy of a part is as usual. @errors invalid
result<boost::json::value> parse_json(std::string_view text);
/// YAML (one document) to JSON values: plain scalars become null, booleans or numbers as in the YAML core schema,
/// quoted ones stay text. JSON is YAML, so it reads both. @errors invalid, with line and column in the sentence
result<boost::json::value> parse_yaml(std::string_view text);

/// RFC 4648 base64 with padding. @errors invalid
result<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace atrium::k8s
