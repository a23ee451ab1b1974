/// @file healing.hpp - how the system becomes whole after a storm: what was missing, and for how long each kind of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "atrium/rt/scope.hpp"

namespace atrium::tests {

/// Something that is not whole yet.
struct gap {
  std::string kind;         ///< the same for all of its sort
  std::string detail = {};  ///< which one, and what is known of why
};

class healing {
 public:
  /// What is missing so long after the storm; call it until nothing is.
  void note(rt::duration since, const std::vector<gap>&);
  /// A line a kind, the one that lasted longest first: how long, how many at once, which one was the last.
  std::string report() const;

 private:
  struct kind {
    rt::duration lasted{};
    std::size_t most = 0;
    std::string last;
  };
  std::map<std::string, kind> kinds_;
};

/// A line each.
std::string list_of(const std::vector<gap>&);
/// "12.3 s"
std::string seconds_text(rt::duration);

}  // namespace atrium::tests
