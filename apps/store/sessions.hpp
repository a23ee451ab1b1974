/// @file sessions.hpp - table remember_me (browser sessions, by hash of the cookie) and auth_throttle. Layer:
/// apps/store.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/store/accounts.hpp"

namespace atrium::store {

class sessions {
 public:
  explicit sessions(pg::pool& pool) noexcept : pool_(pool) {}

  /// `hash` as of domain::session_hash. Also records accounts.last_active.
  rt::task<void> create(const std::string& hash, domain::account_id, domain::timestamp expire);
  /// Account of a session that has not expired; banned and deleted accounts have none. One query.
  rt::task<std::optional<account>> find(const std::string& hash);
  rt::task<void> remove(const std::string& hash);
  /// Ends all sessions of an account; gives how many.
  rt::task<std::size_t> remove_all(domain::account_id);
  /// Which of these are (still) good, in the order asked. One query, for rechecking many connections.
  rt::task<std::vector<bool>> still_valid(std::span<const std::string> hashes);
  /// When each of these ends by itself, in the order asked; empty for one that is not good (any more). One query.
  rt::task<std::vector<std::optional<domain::timestamp>>> expirations(std::span<const std::string> hashes);
  /// Deletes expired ones, at most `limit`; gives how many.
  rt::task<std::size_t> remove_expired(int limit = 1000);

 private:
  pg::pool& pool_;
};

/// Counts attempts in sliding windows, in the database, so that all replicas share the count and a burst cannot slip
/// through.
class throttle {
 public:
  explicit throttle(pg::pool& pool) noexcept : pool_(pool) {}

  struct rule {
    std::string key;  ///< "sign-in email <hash>"
    int per_minute, per_hour;
  };
  struct attempt {
    bool allowed = false;
    std::vector<std::pair<std::string, std::string>> counted;  ///< key and time, by which forgive() finds it
  };
  /// Counts one attempt under every rule; not allowed when one of them is used up (then it is not counted).
  rt::task<attempt> begin(std::span<const rule>);
  /// Takes the attempt back: it succeeded.
  rt::task<void> forgive(const attempt&);
  /// Deletes counts that have run out, at most `limit`; gives how many.
  rt::task<std::size_t> remove_expired(int limit = 1000);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
