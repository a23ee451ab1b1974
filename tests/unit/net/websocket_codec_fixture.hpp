/// @file websocket_codec_fixture.hpp - decodes bytes at every split and compares.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "atrium/net/websocket_codec.hpp"
#include "atrium/rt/io.hpp"

namespace atrium::net::ws {

using kind = event::kind;

struct outcome {
  std::vector<event> events;
  unsigned failed = 0;  // close code
};

inline outcome decode(std::string_view bytes, std::initializer_list<std::size_t> cuts, websocket_role peer,
                      std::size_t limit) {
  decoder d(peer, limit);
  outcome out;
  std::size_t from = 0;
  std::vector<std::size_t> ends(cuts);
  ends.push_back(bytes.size());
  for (auto end : ends) {
    auto piece = rt::as_bytes(bytes.substr(from, end - from));
    from = end;
    do {
      auto r = d.feed(piece);
      if (!r) {
        out.failed = close_code_of(r.error());
        return out;
      }
      if (!*r) break;
      out.events.push_back(std::move(**r));
    } while (true);
  }
  return out;
}

inline bool same(const outcome& a, const outcome& b) {
  if (a.failed != b.failed || a.events.size() != b.events.size()) return false;
  for (std::size_t i = 0; i < a.events.size(); ++i)
    if (a.events[i].what != b.events[i].what || a.events[i].data != b.events[i].data ||
        a.events[i].code != b.events[i].code)
      return false;
  return true;
}

/// Decodes whole, then at every single cut and, when short, at every pair of cuts: all must agree.
inline outcome decode_every_split(std::string_view bytes, websocket_role peer = websocket_role::server,
                                  std::size_t limit = 1 << 20) {
  const auto whole = decode(bytes, {}, peer, limit);
  for (std::size_t i = 0; i <= bytes.size(); ++i)
    EXPECT_TRUE(same(whole, decode(bytes, {i}, peer, limit))) << "cut at " << i << " of " << bytes.size();
  if (bytes.size() <= 80)
    for (std::size_t i = 0; i <= bytes.size(); ++i)
      for (std::size_t j = i; j <= bytes.size(); ++j)
        EXPECT_TRUE(same(whole, decode(bytes, {i, j}, peer, limit))) << "cuts at " << i << ", " << j;
  return whole;
}

inline std::string frame(opcode op, std::string_view payload, bool fin = true, std::optional<mask_key> mask = {}) {
  return make_frame(op, rt::as_bytes(payload), mask, fin);
}
inline std::string raw(std::initializer_list<unsigned> bytes) {
  std::string out;
  for (auto b : bytes) out += static_cast<char>(b);
  return out;
}

}  // namespace atrium::net::ws
