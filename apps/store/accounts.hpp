/// @file accounts.hpp - table accounts. Layer: apps/store.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"
#include "apps/store/columns.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::store {

/// "First Last", or what there is of it.
std::string full_name(const std::string& first, const std::string& last);

struct account {
  domain::account_id account_id;
  std::string email_address;  ///< empty: none
  std::string first_name, last_name;
  std::vector<std::string> groups;
  std::string other_settings = "{}";  ///< JSON
  bool banned = false, deleted = false;
  std::optional<domain::timestamp> created, last_active;

  bool is_admin() const noexcept;
  std::string full_name() const { return store::full_name(first_name, last_name); }
};

/// What others may see of an account.
struct person {
  domain::account_id account_id;
  std::string first_name, last_name, email_address;
  std::string full_name() const { return store::full_name(first_name, last_name); }
};

/// From columns of the table as text, e.g. of a change stream; password_hash and keys are not in the publication.
account account_from(const column_source&);

class accounts {
 public:
  explicit accounts(pg::pool& pool) noexcept : pool_(pool) {}

  struct new_account {
    std::string email_address, password_hash, first_name, last_name;
    std::string created_by;  ///< address of the client; empty: unknown
  };
  /// The very first account gets the group `admin`; two at once cannot both be first.
  /// @errors conflict when the e-mail address is taken
  rt::task<account> create(const new_account&);

  /// Whether anybody has an account: false only in a new installation.
  rt::task<bool> any();
  rt::task<std::optional<account>> get(domain::account_id);
  struct with_password {
    store::account account;
    std::string password_hash;  ///< empty: signs in by other means only
  };
  rt::task<std::optional<with_password>> find_by_email(const std::string& email_address);
  rt::task<void> set_password_hash(domain::account_id, const std::string& hash);

  struct changes {
    std::optional<std::string> first_name, last_name;
    std::optional<std::string> other_settings;  ///< JSON object, merged member by member; null removes
  };
  /// @errors not_found
  rt::task<account> update(domain::account_id, const changes&);
  /// People by part of a name (every word must match the start of a name), or by the exact e-mail address. Unlisted
  /// ones only by address; never e-mail addresses in the answer.
  rt::task<std::vector<person>> search(const std::string& query, int limit = 20);
  rt::task<std::vector<person>> get_people(std::span<const domain::account_id>);
  /// accounts.last_active = now, at most once in two minutes.
  rt::task<void> touch(domain::account_id);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
