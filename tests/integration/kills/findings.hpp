/// @file findings.hpp - what must never happen and did, and how often the rest happened.
#pragma once

#include <cstdio>
#include <map>
#include <string>

#include "apps/domain/time.hpp"

namespace atrium::tests {

class findings {
 public:
  /// A promise that was broken. Printed at once.
  void violation(const std::string& what) {
    ++violations_;
    std::printf("VIOLATION %s %s\n", domain::to_iso8601(domain::now()).c_str(), what.c_str());
    std::fflush(stdout);
  }
  void count(const std::string& what, std::uint64_t n = 1) { counts_[what] += n; }
  std::uint64_t of(const std::string& what) const {
    const auto at = counts_.find(what);
    return at == counts_.end() ? 0 : at->second;
  }
  std::uint64_t violations() const noexcept { return violations_; }
  void print() const {
    for (const auto& [what, n] : counts_)
      std::printf("  %-44s %8llu\n", what.c_str(), static_cast<unsigned long long>(n));
  }

 private:
  std::uint64_t violations_ = 0;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace atrium::tests
