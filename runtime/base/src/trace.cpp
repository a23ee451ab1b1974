#include "atrium/base/trace.hpp"

#include <random>

namespace atrium::trace {
namespace {

id (*source)() noexcept = nullptr;

std::uint64_t random_bits() noexcept {
  static thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return random();
}

/// False when there is something else than lower-case hex digits.
bool parse_hex(std::string_view text, std::uint64_t& out) noexcept {
  out = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    out = out << 4 | static_cast<std::uint64_t>(digit);
  }
  return true;
}

/// 16 digits. Twice a request: std::snprintf would cost more than all else that is done for tracing.
char* put_hex(char* to, std::uint64_t value) noexcept {
  for (int shift = 60; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[value >> shift & 15];
  return to;
}

}  // namespace

std::string id::text() const {
  if (!*this) return {};
  std::string out(32, '0');
  put_hex(put_hex(out.data(), high), low);
  return out;
}

id make() noexcept {
  id out;
  while (!out) out = {random_bits(), random_bits()};
  return out;
}

id parse(std::string_view text) noexcept {
  id out;
  if (text.size() != 32 || !parse_hex(text.substr(0, 16), out.high) || !parse_hex(text.substr(16), out.low)) return {};
  return out;
}

id parse_traceparent(std::string_view value) noexcept {
  constexpr std::size_t whole = 55;  // 00-<32>-<16>-<2>
  if (value.size() < whole || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  std::uint64_t version = 0, parent = 0, flags = 0;
  if (!parse_hex(value.substr(0, 2), version) || version == 0xff) return {};
  // A later version may have more behind a further dash, version 00 has nothing.
  if (value.size() > whole && (version == 0 || value[whole] != '-')) return {};
  if (!parse_hex(value.substr(36, 16), parent) || parent == 0 || !parse_hex(value.substr(53, 2), flags)) return {};
  return parse(value.substr(3, 32));
}

std::string to_traceparent(id trace) {
  std::uint64_t parent = 0;
  while (parent == 0) parent = random_bits();
  std::string out = "00-................................-................-01";
  put_hex(put_hex(out.data() + 3, trace.high), trace.low);
  put_hex(out.data() + 36, parent);
  return out;
}

id current() noexcept { return source ? source() : id{}; }
void set_source(id (*s)() noexcept) noexcept { source = s; }

}  // namespace atrium::trace
