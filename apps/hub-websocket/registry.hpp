/// @file registry.hpp - the signed-in clients of this process, by session and by account. Layer: apps/hub-websocket.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"

namespace atrium::hub_websocket {

/// A connected client as those see it who end sessions. Neither function waits, nor removes the client at once.
class client {
 public:
  virtual ~client() = default;
  /// Its session is over: tell it, close with 4401.
  virtual void sign_out() noexcept = 0;
  /// This process ends: tell it to come back elsewhere, close with 1012.
  virtual void move() noexcept = 0;
  /// What its browser has not taken yet.
  virtual std::size_t queued_bytes() const noexcept = 0;

  std::optional<domain::account_id> account_id;  ///< empty: nobody is signed in
  std::string session_hash;                      ///< of the session cookie
  std::optional<domain::timestamp> expire;       ///< when the session ends by itself
};

class registry {
 public:
  void add(client& c) {
    all_.insert(&c);
    if (!c.session_hash.empty()) by_session_[c.session_hash].insert(&c);
    if (c.account_id) by_account_[*c.account_id].insert(&c);
  }
  void remove(client& c) {
    all_.erase(&c);
    erase(by_session_, c.session_hash, c);
    if (c.account_id) erase(by_account_, *c.account_id, c);
  }
  std::size_t size() const noexcept { return all_.size(); }
  /// Of all clients together, and of the one that is furthest behind.
  std::pair<std::size_t, std::size_t> queued_bytes() const noexcept {
    std::size_t sum = 0, most = 0;
    for (const auto* c : all_) {
      const auto bytes = c->queued_bytes();
      sum += bytes;
      most = std::max(most, bytes);
    }
    return {sum, most};
  }
  std::size_t count(domain::account_id id) const {
    const auto at = by_account_.find(id);
    return at == by_account_.end() ? 0 : at->second.size();
  }

  std::vector<std::string> session_hashes() const {
    std::vector<std::string> out;
    for (const auto& [hash, clients] : by_session_) out.push_back(hash);
    return out;
  }
  void end_session(const std::string& hash) const noexcept { sign_out(by_session_, hash); }
  void end_account(domain::account_id id) const noexcept { sign_out(by_account_, id); }
  void end_all_sessions() const noexcept {
    for (const auto& [hash, clients] : by_session_)
      for (auto* c : clients) c->sign_out();
  }
  /// Sessions whose time is over at `now`.
  void end_expired(domain::timestamp now) const noexcept {
    for (auto* c : all_)
      if (c->expire && *c->expire <= now) c->sign_out();
  }
  void set_expire(const std::string& hash, std::optional<domain::timestamp> expire) const noexcept {
    if (const auto at = by_session_.find(hash); at != by_session_.end())
      for (auto* c : at->second) c->expire = expire;
  }
  void move_all() const noexcept {
    for (auto* c : all_) c->move();
  }

 private:
  template <class Map, class Key>
  static void erase(Map& map, const Key& key, client& c) {
    const auto at = map.find(key);
    if (at == map.end()) return;
    at->second.erase(&c);
    if (at->second.empty()) map.erase(at);
  }
  template <class Map, class Key>
  static void sign_out(const Map& map, const Key& key) noexcept {
    if (const auto at = map.find(key); at != map.end())
      for (auto* c : at->second) c->sign_out();
  }

  std::set<client*> all_;
  std::unordered_map<std::string, std::set<client*>> by_session_;
  std::unordered_map<domain::account_id, std::set<client*>> by_account_;
};

}  // namespace atrium::hub_websocket
