#include "atrium/base/trace.hpp"

#include <cstdio>
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

}  // namespace

std::string id::text() const {
  if (!*this) return {};
  char out[33];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
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
  char tail[21];
  std::snprintf(tail, sizeof tail, "-%016llx-01", static_cast<unsigned long long>(parent));
  return "00-" + trace.text() + tail;
}

id current() noexcept { return source ? source() : id{}; }
void set_source(id (*s)() noexcept) noexcept { source = s; }

}  // namespace atrium::trace
