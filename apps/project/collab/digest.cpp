#include "apps/project/collab/digest.hpp"

#include <bit>
#include <cstdint>

namespace atrium::project {

namespace {

std::uint64_t little_endian(std::string_view b) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = b.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(b[i]);
  return out;
}

std::uint64_t finish(std::uint64_t x) noexcept {  // the finaliser of SplitMix64 (Steele, Lea and Flood 2014)
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

std::string content_digest(std::string_view bytes) noexcept {
  std::uint64_t a = 0x9E3779B97F4A7C15u ^ bytes.size(), b = 0xC2B2AE3D27D4EB4Fu;
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto word = little_endian(rest.substr(0, 8));
    a = std::rotl(a ^ word, 29) * 0x9FB21C651E98DF25u;
    b = (std::rotl(b, 31) + word) * 0xD6E8FEB86659FD93u;
    rest.remove_prefix(rest.size() < 8 ? rest.size() : 8);
  }
  std::string out;
  out.reserve(24);
  for (const std::uint64_t x : {static_cast<std::uint64_t>(bytes.size()), finish(a ^ std::rotl(b, 17)), finish(b + a)})
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(x >> shift);
  return out;
}

std::string digest_name(std::string_view bytes) {
  std::string out;
  for (const char c : content_digest(bytes)) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace atrium::project
