// Text forms of values: parameters in, columns out.
#include <charconv>

#include "atrium/pg/connection.hpp"

namespace atrium::pg {

parameter::parameter(double d) {
  if (d != d) {
    text_ = "NaN";
  } else if (d - d != 0) {
    text_ = d > 0 ? "Infinity" : "-Infinity";
  } else {
    char buffer[32];
    text_ = std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, d).ptr);
  }
}

parameter array(std::span<const std::string> items) {
  std::string out = "{";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (char c : item) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  out += '}';
  return parameter(std::move(out));
}

namespace {
[[noreturn]] void malformed_array() { detail::throw_bad_text("array", "one-dimensional array"); }
}  // namespace

std::vector<std::optional<std::string>> parse_array(std::string_view text) {
  std::vector<std::optional<std::string>> out;
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') malformed_array();
  text = text.substr(1, text.size() - 2);
  if (text.empty()) return out;
  for (std::size_t at = 0;;) {
    std::string item;
    const bool quoted = at < text.size() && text[at] == '"';
    if (quoted) {
      for (++at;; ++at) {
        if (at < text.size() && text[at] == '\\') ++at;
        else if (at < text.size() && text[at] == '"') break;
        if (at >= text.size()) malformed_array();
        item += text[at];
      }
      ++at;
    } else {
      for (; at < text.size() && text[at] != ','; ++at) {
        if (text[at] == '{' || text[at] == '}' || text[at] == '"' || text[at] == '\\') malformed_array();
        item += text[at];
      }
      if (item.empty()) malformed_array();
    }
    if (!quoted && item == "NULL") out.emplace_back(std::nullopt);
    else out.emplace_back(std::move(item));
    if (at == text.size()) return out;
    if (text[at++] != ',') malformed_array();
  }
}

namespace detail {

void throw_unexpected_null(std::string_view column) {
  throw failure(error(disposition::failed, "The database holds nothing where a value was expected.")
                    .with_peer_text("column " + std::string(column)));
}

void throw_bad_text(std::string_view column, std::string_view type) {
  throw failure(error(disposition::failed, "The database holds a value of an unexpected kind.")
                    .with_peer_text("column " + std::string(column) + " is no " + std::string(type)));
}

bool text_to_bool(std::string_view text, std::string_view column) {
  if (text == "t" || text == "true") return true;
  if (text == "f" || text == "false") return false;
  throw_bad_text(column, "boolean");
}

double text_to_double(std::string_view text, std::string_view column) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) throw_bad_text(column, "number");
  return value;
}

}  // namespace detail
}  // namespace atrium::pg
