/// @file fuzz.hpp - what the fuzz targets share: one input cut into parts, and splits of a byte stream.
/// A target is one .cpp file that defines LLVMFuzzerTestOneInput; it checks properties by ATRIUM_ASSERT, which aborts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "atrium/base/assert.hpp"

namespace atrium::tests {

/// The bytes that libFuzzer gives, read from the front. At the end everything reads as zero or empty.
class fuzz_input {
 public:
  fuzz_input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const noexcept { return left_.empty(); }
  std::uint8_t byte() noexcept {
    if (left_.empty()) return 0;
    const auto b = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return b;
  }
  std::size_t below(std::size_t n) noexcept { return n < 2 ? 0 : (std::size_t(byte()) << 8 | byte()) % n; }
  std::string_view rest() noexcept { return std::exchange(left_, {}); }
  /// Up to the next 0xFF (which is consumed), or everything: seeds can be written by hand.
  std::string_view part() noexcept {
    const auto end = left_.find('\xFF');
    const auto out = left_.substr(0, end);
    left_.remove_prefix(std::min(left_.size(), out.size() + 1));
    return out;
  }

 private:
  std::string_view left_;
};

/// Gives `text` to `take` in pieces of pseudo-random sizes from 1 to 32; stops when `take` says false.
template <class Take>
void in_pieces(std::string_view text, std::uint32_t seed, Take take) {
  while (!text.empty()) {
    seed = seed * 1664525u + 1013904223u;
    const auto n = std::min<std::size_t>(text.size(), 1 + (seed >> 27));
    if (!take(text.substr(0, n))) return;
    text.remove_prefix(n);
  }
}

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace atrium::tests
