/// @file log.hpp - one line a record: constant message and fields. logfmt on a terminal, JSON otherwise. Layer: base.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "atrium/base/error.hpp"

namespace atrium::log {

enum class level : std::uint8_t { debug, info, warn, error };
/// The level of that name; info for any other text.
level level_of(std::string_view name) noexcept;
enum class format : std::uint8_t { automatic, logfmt, json };

/// One `key=value` of a record. Values are copied into the line at once; nothing is kept.
class field {
 public:
  field(std::string_view key, std::string_view value) : key_(key), text_(value), quoted_(true) {}
  field(std::string_view key, const std::string& value) : field(key, std::string_view(value)) {}
  field(std::string_view key, const char* value) : field(key, std::string_view(value)) {}
  field(std::string_view key, bool value) : key_(key), text_(value ? "true" : "false") {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  field(std::string_view key, I value) : key_(key), text_(std::to_string(value)) {}
  field(std::string_view key, double value);
  /// describe() of the error.
  field(std::string_view key, const atrium::error& value) : key_(key), text_(value.describe()), quoted_(true) {}

  std::string_view key() const noexcept { return key_; }
  std::string_view text() const noexcept { return text_; }
  bool quoted() const noexcept { return quoted_; }

 private:
  std::string_view key_;
  std::string text_;
  bool quoted_ = false;
};

using fields = std::initializer_list<field>;

/// Writes one record to standard error with one write(2), so that lines of several processes do not mix. Any thread.
/// What is logged while a task runs has the task's trace id as field `trace` (atrium/base/trace.hpp).
/// `message` is a constant ("pod created"), never formatted text: what varies goes into fields.
void write(level, std::string_view message, fields = {}) noexcept;
inline void debug(std::string_view message, fields f = {}) noexcept { write(level::debug, message, f); }
inline void info(std::string_view message, fields f = {}) noexcept { write(level::info, message, f); }
inline void warn(std::string_view message, fields f = {}) noexcept { write(level::warn, message, f); }
inline void error(std::string_view message, fields f = {}) noexcept { write(level::error, message, f); }

/// Sets what every record carries (`service=...`) and how it is written. Call once, before threads start.
void configure(std::string service, level lowest = level::info, format = format::automatic);

}  // namespace atrium::log
