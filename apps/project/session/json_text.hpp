/// @file json_text.hpp - writes small JSON objects straight into text. Layer: app project. I/O-free.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "apps/project/collab/unicode.hpp"

namespace atrium::project {

/// json_object().text("event", "hello").number("n", 1).raw("list", "[]").done()
class json_object {
 public:
  json_object& text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
    return *this;
  }
  template <std::integral I>
  json_object& number(std::string_view key, I value) {
    name(key);
    out_ += std::to_string(value);
    return *this;
  }
  json_object& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  /// `json` is JSON text.
  json_object& raw(std::string_view key, std::string_view json) {
    name(key);
    out_ += json;
    return *this;
  }
  std::string done() && {
    out_ += out_.empty() ? "{}" : "}";
    return std::move(out_);
  }
  std::string done() & { return out_.empty() ? "{}" : out_ + "}"; }

 private:
  void name(std::string_view key) {
    out_ += out_.empty() ? '{' : ',';
    append_json_string(out_, key);
    out_ += ':';
  }
  std::string out_;
};

/// [a,b,...] of what `json_of` gives for each.
template <class Range, class F>
std::string json_array(const Range& items, F json_of) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += json_of(item);
  }
  return out + "]";
}

}  // namespace atrium::project
