#include "http1_parser.hpp"

#include <cstring>

#include "http1_chars.hpp"

namespace atrium::net::http1 {

std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
  // 18 digits always fit; leading zeros are octal to some parsers, so nobody gets to use them.
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool valid_authority(std::string_view text) noexcept {
  std::string_view host = text, port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (char c : text.substr(1, close - 1))
      if (hex_value(c) < 0 && c != ':' && c != '.') return false;
    const auto rest = text.substr(close + 1);
    if (rest.empty()) return true;
    if (rest[0] != ':') return false;
    has_port = true;
    port = rest.substr(1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    has_port = true;
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (host.empty() || host.size() > 255) return false;
  if (!host.starts_with('[') && !all_are(host, host_char)) return false;
  if (!has_port) return true;
  if (port.empty() || port.size() > 5) return false;
  unsigned number = 0;
  for (char c : port) {
    if (!is_digit(c)) return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number <= 65535;
}

std::optional<std::pair<std::string_view, std::string_view>> split_field(std::string_view line) noexcept {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  if (!all_are(name, token_char) || !all_value_chars(value)) return std::nullopt;
  return std::pair(name, value);
}

bool head_parser::refuse(unsigned status, const char* why) noexcept {
  refusal_ = {status, why};
  return false;
}

progress head_parser::advance(std::string_view bytes) {
  if (refusal_.why[0]) return progress::refused;
  while (!ended_) {
    const auto* found =
        scanned_ < bytes.size()
            ? static_cast<const char*>(std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_))
            : nullptr;
    if (!found) {
      scanned_ = bytes.size();
      return too_long(bytes.size() - line_start_) ? progress::refused : progress::more;
    }
    const auto end = static_cast<std::size_t>(found - bytes.data());
    if (too_long(end - line_start_)) return progress::refused;
    if (end == line_start_ || bytes[end - 1] != '\r') {
      refuse(400, "A line of the message does not end with CR LF.");
      return progress::refused;
    }
    const auto text = bytes.substr(line_start_, end - 1 - line_start_);
    line_start_ = scanned_ = end + 1;
    if (!line(text)) return progress::refused;
  }
  return progress::done;
}

/// Judges by length alone, before content, so that the outcome is the same however the bytes were split.
bool head_parser::too_long(std::size_t line_length) noexcept {
  constexpr std::size_t around_target = 64;  // method, version, spaces
  if (!started_ && line_length > limits_.target_bytes + around_target)
    return !refuse(414, "The address asked for is too long.");
  if (line_start_ + line_length > limits_.head_bytes) return !refuse(431, "The header fields are too large.");
  return false;
}

bool head_parser::line(std::string_view text) {
  if (!started_) {
    if (text.empty() && !skipped_empty_) return skipped_empty_ = true;  // RFC 9112 section 2.2: one is tolerated
    started_ = true;
    return start_line(text);
  }
  if (!text.empty()) return field(text);
  ended_ = true;
  return finish();
}

bool head_parser::field(std::string_view text) {
  if (text[0] == ' ' || text[0] == '\t') return refuse(400, "A header field is folded over several lines.");
  if (++count_ > limits_.header_count) return refuse(431, "There are too many header fields.");
  const auto parts = split_field(text);
  if (!parts) return refuse(400, "A header field is malformed.");
  fields().add(parts->first, parts->second);
  return true;
}

bool head_parser::read_framing(bool http10, http1::framing without_length) {
  const auto length_text = fields().find("Content-Length"), coding = fields().find("Transfer-Encoding");
  facts_.framing = without_length;
  if (coding) {
    if (http10) return refuse(400, "HTTP/1.0 has no Transfer-Encoding.");
    if (length_text) return refuse(400, "Content-Length and Transfer-Encoding exclude each other.");
    if (fields().count("Transfer-Encoding") > 1) return refuse(400, "Transfer-Encoding is given more than once.");
    if (!equal_nocase(*coding, "chunked")) {
      const auto comma = coding->rfind(',');
      const auto last = trim(comma == std::string_view::npos ? *coding : coding->substr(comma + 1));
      const auto before = comma == std::string_view::npos ? std::string_view() : trim(coding->substr(0, comma));
      if (equal_nocase(last, "chunked") && !before.empty() && all_are(before, token_char) &&
          !equal_nocase(before, "chunked") && !equal_nocase(before, "identity"))
        return refuse(501, "This transfer coding is not supported.");
      return refuse(400, "Transfer-Encoding is something other than chunked.");
    }
    facts_.framing = framing::chunked;
    return true;
  }
  if (!length_text) return true;
  if (fields().count("Content-Length") > 1) return refuse(400, "Content-Length is given more than once.");
  const auto length = parse_length(*length_text);
  if (!length) return refuse(400, "Content-Length is not a plain number.");
  facts_.framing = *length ? framing::length : framing::none;
  facts_.length = *length;
  return true;
}

bool head_parser::read_connection(bool http10) {
  if (!http10 && !fields().contains("Connection")) return true;  // facts_ says so already
  facts_.keep_alive =
      !fields().has_token("Connection", "close") && (!http10 || fields().has_token("Connection", "keep-alive"));
  return true;
}

}  // namespace atrium::net::http1
