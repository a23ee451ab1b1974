/// @file random_text.hpp - seeded random texts and change sets for the tests of collaborative editing.
#pragma once

#include <random>
#include <string>

#include "apps/project/collab/change_set.hpp"

namespace atrium::tests {

using random = std::mt19937_64;

inline std::size_t below(random& r, std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(r() % n); }

/// Letters, line breaks, umlauts and characters outside the basic plane.
inline std::u16string random_text(random& r, std::size_t characters) {
  static constexpr std::u16string_view alphabet[] = {u"a",      u"b",      u"c",          u" ",         u"\n",
                                                     u"\u00fc", u"\u6f22", u"\U0001F600", u"\U0001F601"};
  std::u16string out;
  for (std::size_t i = 0; i < characters; ++i) out += alphabet[below(r, std::size(alphabet))];
  return out;
}

/// One to three random replacements. Positions may cut surrogate pairs: clients can do that.
inline project::change_set random_change(random& r, std::size_t length) {
  project::change_set::builder b;
  std::size_t at = 0;
  for (std::size_t n = 1 + below(r, 3); n > 0; --n) {
    const auto from = at + below(r, length - at + 1);
    const auto removed = below(r, std::min<std::size_t>(length - from, 6) + 1);
    b.keep(from - at).insert(random_text(r, below(r, 4))).remove(removed);
    at = from + removed;
  }
  b.keep(length - at);
  return std::move(b).done();
}

inline std::u16string applied(std::u16string text, const project::change_set& c) {
  c.apply(text);
  return text;
}

}  // namespace atrium::tests
