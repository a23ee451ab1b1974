// The queue of outgoing frames against the plain concatenation of them.
#include <random>

#include "gtest/gtest.h"
#include "net/src/websocket_output.hpp"

namespace atrium::net::ws {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

TEST(WebsocketOutput, GivesTheBytesOfAllFramesInOrderInPiecesOfAnySize) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (int round = 0; round < 50; ++round) {
    output out;
    std::string expected, got;
    std::size_t counted = 0;
    for (int i = 0; i < 200; ++i) {
      std::string payload(below(10) == 0 ? below(40'000) : below(300), static_cast<char>('a' + i % 26));
      const std::optional<mask_key> mask = below(2) ? std::optional(mask_key{1, 2, 3, 4}) : std::nullopt;
      const auto kind = below(3);
      const auto frame = make_frame(opcode::binary, bytes_of(payload), kind == 2 ? std::nullopt : mask);
      expected += frame;
      if (kind == 0) counted += out.add(opcode::binary, bytes_of(payload), mask);
      else if (kind == 1) counted += out.add(opcode::binary, std::move(payload), mask);
      else counted += out.add(std::make_shared<const std::string>(frame));
      while (below(3) == 0 && !out.empty()) {
        iovec parts[4];
        const auto n = out.next(parts);
        std::size_t ready = 0;
        for (std::size_t p = 0; p < n; ++p) ready += parts[p].iov_len;
        auto take = below(ready + 1);
        for (std::size_t p = 0, left = take; p < n && left > 0; ++p) {
          const auto piece = std::min(left, parts[p].iov_len);
          got.append(static_cast<const char*>(parts[p].iov_base), piece);
          left -= piece;
        }
        out.consume(take);
      }
    }
    EXPECT_EQ(counted, expected.size());
    while (!out.empty()) {
      iovec part;
      out.next({&part, 1});
      got.append(static_cast<const char*>(part.iov_base), part.iov_len);
      out.consume(part.iov_len);
    }
    EXPECT_TRUE(got == expected);
  }
}

}  // namespace
}  // namespace atrium::net::ws
