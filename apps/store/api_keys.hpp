/// @file api_keys.hpp - table api_keys. Layer: apps/store.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/store/accounts.hpp"

namespace atrium::store {

struct api_key {
  std::int64_t id = 0;
  domain::account_id account_id;
  std::optional<domain::project_id> project_id;  ///< good for this project only
  std::string name, trunc;
  std::optional<domain::timestamp> created, expire, last_active;
};

class api_keys {
 public:
  explicit api_keys(pg::pool& pool) noexcept : pool_(pool) {}

  struct created {
    api_key row;
    std::string secret;  ///< the key itself: shown once, never stored
  };
  rt::task<created> create(domain::account_id, const std::string& name, std::optional<domain::project_id> = {},
                           std::optional<domain::timestamp> expire = {});
  rt::task<std::vector<api_key>> list(domain::account_id, std::optional<domain::project_id> = {});
  /// False when the account has no such key.
  rt::task<bool> rename(domain::account_id, std::int64_t id, const std::string& name);
  rt::task<bool> remove(domain::account_id, std::int64_t id);

  struct owner {
    store::account account;
    std::int64_t key_id = 0;
    std::optional<domain::project_id> project_id;
  };
  /// Account of a key that is right and has not expired (a project key: whose account is still on the project).
  /// Updates last_active at most once a minute.
  rt::task<std::optional<owner>> find(const std::string& key);
  struct known_key {
    std::int64_t id = 0;
    std::string hash;  ///< as of domain::api_key_hash
  };
  /// Which of these are (still) good, in the order asked. One query, for rechecking many connections.
  rt::task<std::vector<bool>> still_valid(std::span<const known_key>);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
