/// @file unicode.hpp - UTF-8 on disk and on the wire, UTF-16 in documents (positions of CodeMirror). Layer: app
/// project. I/O-free. A document may hold a lone surrogate (someone deleted half of a pair): nothing here fails because
/// of one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace atrium::project {

/// Strict: nullopt for overlong forms, surrogates, values above U+10FFFF and cut sequences. With `lone_surrogates`
/// three-byte surrogates are taken too (the journal's form, "WTF-8").
std::optional<std::u16string> utf8_to_utf16(std::string_view bytes, bool lone_surrogates = false);

/// A lone surrogate becomes U+FFFD, or with `lone_surrogates` its own three bytes.
std::string utf16_to_utf8(std::u16string_view text, bool lone_surrogates = false);

/// Appends a JSON string with its quotes. A lone surrogate is written as an escape, so that the text stays valid UTF-8
/// and a JavaScript reader gets back exactly the same units.
void append_json_string(std::string& out, std::u16string_view text);
void append_json_string(std::string& out, std::string_view utf8);

/// `json` with escapes of lone surrogates (\ud83d without its partner) replaced by \ufffd: the same number of units,
/// and readable for strict JSON parsers. JavaScript writes such escapes for strings that were cut in a pair.
std::string without_lone_surrogate_escapes(std::string json);

constexpr bool is_high_surrogate(char16_t c) noexcept { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low_surrogate(char16_t c) noexcept { return c >= 0xDC00 && c <= 0xDFFF; }

}  // namespace atrium::project
