/// @file people.hpp - names of people as rows show them, kept while the change stream keeps them true. Layer:
/// apps/hub-websocket.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "apps/store/accounts.hpp"

namespace atrium::hub_websocket {

class people {
 public:
  explicit people(pg::pool& pool) noexcept : pool_(pool) {}

  /// Reads the names that are not known yet, in one query.
  rt::task<void> ensure(std::span<const domain::account_id>);
  /// Empty for somebody who is not there (any more).
  std::string name(domain::account_id) const;
  /// An account as the change stream tells it. True when a name that was known is different now.
  bool changed(domain::account_id, const std::string& name);
  /// Changes may have been missed.
  void forget_all() noexcept {
    names_.clear();
    ++generation_;
  }

 private:
  static constexpr std::size_t limit = 200'000;  // names kept; beyond, all are read anew
  pg::pool& pool_;
  std::unordered_map<domain::account_id, std::string> names_;
  std::size_t loading_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace atrium::hub_websocket
