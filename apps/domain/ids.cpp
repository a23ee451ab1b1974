#include "apps/domain/ids.hpp"

#include "apps/domain/crypto.hpp"

namespace atrium::domain {

namespace {
constexpr bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }
}  // namespace

result<uuid_text> uuid_text::parse(std::string_view text) {
  const auto bad = [] { return error(disposition::invalid, "This is not a UUID."); };
  uuid_text out;
  if (text.size() != out.text_.size()) return bad();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (is_dash_position(i)) {
      if (c != '-') return bad();
      continue;
    }
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return bad();
    out.text_[i] = c;
  }
  return out;
}

uuid_text uuid_text::random() {
  std::array<std::byte, 16> bytes;
  random_bytes(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};  // version 4
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};  // variant of RFC 9562
  uuid_text out;
  std::size_t at = 0;
  for (const auto b : bytes) {
    if (is_dash_position(at)) ++at;
    out.text_[at++] = "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    out.text_[at++] = "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

}  // namespace atrium::domain
