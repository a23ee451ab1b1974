#include "apps/hub-websocket/live_index.hpp"

#include <algorithm>

#include "atrium/base/assert.hpp"

namespace atrium::hub_websocket {

namespace {

std::size_t hash_of(const row_text& row) { return std::hash<std::string_view>()(*row); }

template <class List, class Value>
void erase_value(List& list, const Value& value) {
  list.erase(std::remove(list.begin(), list.end(), value), list.end());
}

}  // namespace

void live_index::add(subscription_ptr s) {
  loading_.push_back(s);
  by_account_[s->account()].push_back(std::move(s));
  ++count_;
}

void live_index::remove(const subscription_ptr& s) {
  if (s->removed_) return;
  s->removed_ = true;
  erase_value(loading_, s);
  while (!s->has_.empty()) forget_row(*s, std::string(s->has_.begin()->first));
  s->changed_.clear();
  const auto at = by_account_.find(s->account());
  ATRIUM_ASSERT(at != by_account_.end(), "a subscription is removed from the index that it was added to");
  erase_value(at->second, s);
  if (at->second.empty()) by_account_.erase(at);
  --count_;
}

void live_index::forget_row(subscription& s, const std::string& key) {
  s.has_.erase(key);
  const auto at = viewers_.find(key);
  if (at == viewers_.end()) return;
  at->second.erase(std::remove_if(at->second.begin(), at->second.end(), [&](const auto& v) { return v.get() == &s; }),
                   at->second.end());
  if (at->second.empty()) viewers_.erase(at);
}

void live_index::start(subscription& s, std::span<const keyed_row> rows) {
  if (s.removed_) return;
  for (const auto& r : rows)
    if (s.has_.insert_or_assign(r.key, hash_of(r.row)).second) viewers_[r.key].push_back(s.shared_from_this());
  s.live_ = true;
  loading_.erase(std::remove_if(loading_.begin(), loading_.end(), [&](const auto& l) { return l.get() == &s; }),
                 loading_.end());
  tell(s);
}

void live_index::replace(subscription& s, std::span<const keyed_row> rows) {
  if (s.removed_ || !s.live_) return;
  s.changed_.clear();
  for (const auto& [key, hash] : s.has_) s.changed_[key] = {};
  for (const auto& r : rows) s.changed_[r.key] = {r.row, std::nullopt};
  tell(s);
}

bool live_index::wanted(const std::string& key, std::span<const domain::account_id> audience) const {
  if (viewers_.contains(key)) return true;
  return std::any_of(audience.begin(), audience.end(), [&](const auto& a) { return by_account_.contains(a); });
}

void live_index::change(const std::string& key, std::span<const domain::account_id> audience, const row_text& row,
                        std::optional<std::uint32_t> transaction) {
  const auto may_see = [&](const subscription& s) {
    return row && std::find(audience.begin(), audience.end(), s.account()) != audience.end();
  };
  if (const auto viewers = viewers_.find(key); viewers != viewers_.end())
    for (const auto& s : viewers->second)
      if (!may_see(*s)) gather(s, key, nullptr, transaction);
  // Who is still reading its first rows may have read the row as it was: let it hear that it is gone.
  for (const auto& s : loading_)
    if (!may_see(*s)) gather(s, key, nullptr, transaction);
  if (!row) return;
  for (const auto& account : audience)
    if (const auto at = by_account_.find(account); at != by_account_.end())
      for (const auto& s : at->second) gather(s, key, row, transaction);
}

void live_index::gather(const subscription_ptr& s, const std::string& key, const row_text& row,
                        std::optional<std::uint32_t> transaction) {
  if (transaction && s->read_.sees(*transaction)) return;
  if (s->changed_.empty()) touched_.push_back(s);
  s->changed_[key] = {row, transaction};
}

void live_index::reading(subscription& s, const pg::snapshot& seen) {
  s.read_ = seen;
  std::erase_if(s.changed_, [&](const auto& c) { return c.second.transaction && seen.sees(*c.second.transaction); });
}

bool live_index::tell(subscription& s) {
  std::string message;
  for (auto& [key, changed] : std::exchange(s.changed_, {})) {
    const auto& row = changed.row;
    const auto has = s.has_.find(key);
    std::string one;
    if (!row) {
      if (has == s.has_.end()) continue;
      forget_row(s, key);
      one = "{\"op\":\"delete\",\"key\":\"" + key + "\"}";
    } else {
      const auto hash = hash_of(row);
      if (has != s.has_.end() && has->second == hash) continue;
      if (has == s.has_.end()) viewers_[key].push_back(s.shared_from_this());
      s.has_[key] = hash;
      one = "{\"op\":\"upsert\",\"row\":" + *row + "}";
    }
    message += message.empty()
                   ? "{\"event\":\"changes\",\"subscription\":" + std::to_string(s.number_) + ",\"changes\":["
                   : ",";
    message += one;
  }
  if (message.empty()) return false;
  s.send_(message + "]}");
  return true;
}

std::size_t live_index::flush() {
  std::size_t sent = 0;
  for (const auto& s : std::exchange(touched_, {}))
    if (s->live_ && !s->removed_ && tell(*s)) ++sent;
  return sent;
}

std::vector<live_index::subscription_ptr> live_index::all() const {
  std::vector<subscription_ptr> out;
  for (const auto& [account, list] : by_account_) out.insert(out.end(), list.begin(), list.end());
  return out;
}

}  // namespace atrium::hub_websocket
