#include "tests/integration/kills/healing.hpp"

#include <algorithm>
#include <cstdio>

namespace atrium::tests {

void healing::note(rt::duration since, const std::vector<gap>& missing) {
  std::map<std::string, std::size_t> now;
  for (const auto& g : missing) {
    auto& k = kinds_[g.kind];
    k.lasted = since;
    k.most = std::max(k.most, ++now[g.kind]);
    k.last = g.detail;
  }
}

std::string healing::report() const {
  std::vector<std::pair<std::string, kind>> all(kinds_.begin(), kinds_.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second.lasted > b.second.lasted; });
  std::string out;
  for (const auto& [name, k] : all)
    out += "\n    " + seconds_text(k.lasted) + "  " + name + ", at most " + std::to_string(k.most) + " at once" +
           (k.last.empty() ? "" : "; the last: " + k.last);
  return out;
}

std::string list_of(const std::vector<gap>& all) {
  std::string out;
  for (const auto& g : all) out += "\n    " + g.kind + (g.detail.empty() ? "" : ": " + g.detail);
  return out;
}

std::string seconds_text(rt::duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(d).count());
  return text;
}

}  // namespace atrium::tests
