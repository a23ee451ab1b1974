#include "apps/hub-websocket/people.hpp"

#include <algorithm>

namespace atrium::hub_websocket {

rt::task<void> people::ensure(std::span<const domain::account_id> wanted) {
  struct mark {
    std::size_t& count;
    explicit mark(std::size_t& c) : count(c) { ++count; }
    ~mark() { --count; }
  };
  for (;;) {
    if (names_.size() > limit) names_.clear();
    std::vector<domain::account_id> missing;
    for (const auto& id : wanted)
      if (!names_.contains(id)) missing.push_back(id);
    if (missing.empty()) co_return;
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    const auto generation = generation_;
    const mark loading(loading_);
    const auto found = co_await store::accounts(pool_).get_people(missing);
    if (generation != generation_) continue;  // everything was forgotten meanwhile: what we read may be older
    // emplace: what the change stream has said meanwhile is newer.
    for (const auto& p : found) names_.emplace(p.account_id, p.full_name());
    for (const auto& id : missing) names_.emplace(id, "");
    co_return;
  }
}

std::string people::name(domain::account_id id) const {
  const auto at = names_.find(id);
  return at == names_.end() ? "" : at->second;
}

bool people::changed(domain::account_id id, const std::string& name) {
  const auto at = names_.find(id);
  if (at == names_.end()) {
    if (loading_ > 0) names_.emplace(id, name);  // a read that is under way may bring the old one
    return loading_ > 0;
  }
  if (at->second == name) return false;
  at->second = name;
  return true;
}

}  // namespace atrium::hub_websocket
