/// @file http1_chars.hpp - character classes of RFC 9110 and 9112 as one table. Layer: net, private.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace atrium::net::http1 {

enum char_class : std::uint8_t {
  token_char = 1,   ///< tchar: names of fields, methods
  value_char = 2,   ///< field values: VCHAR, obs-text, SP, HTAB
  target_char = 4,  ///< request targets: VCHAR without what RFC 3986 forbids and no browser sends raw
  host_char = 8,    ///< registered names, IPv4
};

constexpr std::array<std::uint8_t, 256> make_char_classes() {
  std::array<std::uint8_t, 256> t{};
  constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~", host_marks = "-._~", never_in_targets = "\"#<>";
  for (unsigned c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    std::uint8_t bits = 0;
    if (alnum || (c && token_marks.find(ch) != std::string_view::npos)) bits |= token_char;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= value_char;
    if (c > 0x20 && c < 0x7f && never_in_targets.find(ch) == std::string_view::npos) bits |= target_char;
    if (alnum || (c && host_marks.find(ch) != std::string_view::npos)) bits |= host_char;
    t[c] = bits;
  }
  return t;
}
inline constexpr auto char_classes = make_char_classes();

constexpr bool is(char c, char_class k) noexcept { return char_classes[static_cast<unsigned char>(c)] & k; }
constexpr bool all_are(std::string_view text, char_class k) noexcept {
  std::uint8_t common = 0xff;  // no branch a byte
  for (char c : text) common &= char_classes[static_cast<unsigned char>(c)];
  return common & k;
}
/// As all_are(text, value_char), many bytes at a time: values are most of a head.
constexpr bool all_value_chars(std::string_view text) noexcept {
  unsigned char bad = 0;
  for (const unsigned char c : text) bad |= static_cast<unsigned char>((c < 0x20 && c != '\t') || c == 0x7f);
  return bad == 0;
}
static_assert([] {
  for (unsigned c = 0; c < 256; ++c)
    if (const char ch = static_cast<char>(c); all_value_chars({&ch, 1}) != is(ch, value_char)) return false;
  return true;
}());
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr std::string_view trim(std::string_view v) noexcept {
  while (!v.empty() && (v.front() == ' ' || v.front() == '\t')) v.remove_prefix(1);
  while (!v.empty() && (v.back() == ' ' || v.back() == '\t')) v.remove_suffix(1);
  return v;
}

}  // namespace atrium::net::http1
