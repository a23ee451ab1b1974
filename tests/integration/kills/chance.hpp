/// @file chance.hpp - seeded choices: the same seed gives every actor the same choices, whatever the others do.
#pragma once

#include <random>
#include <string_view>

#include "atrium/rt/scope.hpp"

namespace atrium::tests {

class chance {
 public:
  /// `who` sets apart the actors of one seed.
  chance(std::uint64_t seed, std::string_view who) {
    for (const unsigned char c : who) seed = (seed ^ c) * 0x100000001b3u;
    engine_.seed(seed);
  }
  std::size_t below(std::size_t n) { return engine_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  rt::duration between(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return least + std::chrono::milliseconds(below(static_cast<std::size_t>((most - least).count()) + 1));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace atrium::tests
