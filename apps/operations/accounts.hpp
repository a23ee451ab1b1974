/// @file accounts.hpp - people about themselves and each other: search, update, API keys. Layer: apps/operations.
#pragma once

#include <string>
#include <vector>

#include "apps/store/accounts.hpp"
#include "apps/store/api_keys.hpp"

namespace atrium::operations {

class accounts {
 public:
  explicit accounts(pg::pool& pool) noexcept : pool_(pool) {}

  rt::task<store::account> get(domain::account_id who);
  /// @errors invalid
  rt::task<store::account> update(domain::account_id who, store::accounts::changes);
  /// At least two characters. @errors invalid
  rt::task<std::vector<store::person>> search(domain::account_id who, std::string query);

  rt::task<std::vector<store::api_key>> api_keys(domain::account_id who);
  /// The key itself is in the answer, once. At most 100 keys an account. @errors invalid, overloaded
  rt::task<store::api_keys::created> create_api_key(domain::account_id who, std::string name,
                                                    std::optional<domain::timestamp> expire = {});
  /// @errors not_found
  rt::task<void> rename_api_key(domain::account_id who, std::int64_t id, std::string name);
  rt::task<void> delete_api_key(domain::account_id who, std::int64_t id);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::operations
