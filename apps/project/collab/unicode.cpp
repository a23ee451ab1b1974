#include "apps/project/collab/unicode.hpp"

#include <cstdint>

namespace atrium::project {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

void append_escape(std::string& out, std::uint32_t unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += hex_digits[(unit >> shift) & 15];
}

/// True when the JSON needed an escape and got one.
bool append_json_escape(std::string& out, std::uint32_t c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return true;
    case '\\':
      out += "\\\\";
      return true;
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\t':
      out += "\\t";
      return true;
    default:
      break;
  }
  if (c >= 0x20 && c != 0x7F) return false;
  append_escape(out, c);
  return true;
}

/// Takes the code point at `i` (a lone surrogate as itself) and moves on.
std::uint32_t next_code_point(std::u16string_view text, std::size_t& i) {
  const char16_t c = text[i++];
  if (is_high_surrogate(c) && i < text.size() && is_low_surrogate(text[i]))
    return 0x10000u + ((std::uint32_t(c) - 0xD800u) << 10) + (std::uint32_t(text[i++]) - 0xDC00u);
  return c;
}

bool is_surrogate(std::uint32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

/// The unit of an escape "\uXXXX" at `i`, or nullopt.
std::optional<std::uint32_t> escape_at(std::string_view json, std::size_t i) {
  if (i + 6 > json.size() || json[i] != '\\' || json[i + 1] != 'u') return std::nullopt;
  std::uint32_t unit = 0;
  for (std::size_t k = i + 2; k < i + 6; ++k) {
    const char c = json[k];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    unit = unit * 16 + static_cast<std::uint32_t>(digit);
  }
  return unit;
}

}  // namespace

std::optional<std::u16string> utf8_to_utf16(std::string_view bytes, bool lone_surrogates) {
  std::u16string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i++]);
    if (lead < 0x80) {
      out += static_cast<char16_t>(lead);
      continue;
    }
    const int more = lead >= 0xC2 && lead <= 0xDF   ? 1
                     : (lead & 0xF0) == 0xE0        ? 2
                     : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                    : 0;
    if (more == 0 || i + static_cast<std::size_t>(more) > bytes.size()) return std::nullopt;
    std::uint32_t c = lead & (0x3Fu >> more);
    for (int k = 0; k < more; ++k) {
      const auto byte = static_cast<unsigned char>(bytes[i++]);
      if ((byte & 0xC0) != 0x80) return std::nullopt;
      c = (c << 6) | (byte & 0x3Fu);
    }
    if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10FFFF))) return std::nullopt;
    if (is_surrogate(c) && !lone_surrogates) return std::nullopt;
    if (c < 0x10000) {
      out += static_cast<char16_t>(c);
    } else {
      out += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return out;
}

std::string utf16_to_utf8(std::u16string_view text, bool lone_surrogates) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const std::uint32_t c = next_code_point(text, i);
    append_utf8(out, is_surrogate(c) && !lone_surrogates ? 0xFFFD : c);
  }
  return out;
}

void append_json_string(std::string& out, std::u16string_view text) {
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const std::uint32_t c = next_code_point(text, i);
    if (append_json_escape(out, c)) continue;
    if (is_surrogate(c)) append_escape(out, c);
    else append_utf8(out, c);
  }
  out += '"';
}

void append_json_string(std::string& out, std::string_view utf8) {
  out.reserve(out.size() + utf8.size() + 2);
  out += '"';
  for (const char c : utf8)
    if (!append_json_escape(out, static_cast<unsigned char>(c))) out += c;
  out += '"';
}

std::string without_lone_surrogate_escapes(std::string json) {
  for (std::size_t i = json.find('\\'); i != std::string::npos && i + 1 < json.size(); i = json.find('\\', i)) {
    const auto unit = escape_at(json, i);
    if (!unit) {
      i += 2;
      continue;
    }
    if (!is_surrogate(*unit)) {
      i += 6;
      continue;
    }
    const auto partner = escape_at(json, i + 6);
    if (is_high_surrogate(static_cast<char16_t>(*unit)) && partner &&
        is_low_surrogate(static_cast<char16_t>(*partner))) {
      i += 12;
      continue;
    }
    json.replace(i, 6, "\\ufffd");
    i += 6;
  }
  return json;
}

}  // namespace atrium::project
