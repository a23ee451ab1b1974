/// @file live_index.hpp - which subscription has which rows, and what it must be told when one changes. I/O-free.
/// Layer: apps/hub-websocket. The loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/domain/ids.hpp"
#include "atrium/pg/snapshot.hpp"

namespace atrium::hub_websocket {

/// A whole row as JSON text; null: nobody may see it (any more). Shared by all who are told.
using row_text = std::shared_ptr<const std::string>;

struct keyed_row {
  std::string key;
  row_text row;
};

/// One live query of one client.
class subscription : public std::enable_shared_from_this<subscription> {
 public:
  /// `send` takes the text of one message; it may close the client, but not destroy the subscription.
  subscription(std::uint64_t number, domain::account_id account, std::function<void(std::string)> send)
      : number_(number), account_(account), send_(std::move(send)) {}
  std::uint64_t number() const noexcept { return number_; }
  domain::account_id account() const noexcept { return account_; }
  /// Its first rows were sent.
  bool live() const noexcept { return live_; }
  bool removed() const noexcept { return removed_; }
  std::size_t rows() const noexcept { return has_.size(); }

 private:
  friend class live_index;
  const std::uint64_t number_;
  const domain::account_id account_;
  std::function<void(std::string)> send_;
  bool live_ = false, removed_ = false;
  std::unordered_map<std::string, std::size_t> has_;  // key -> hash of the row that the client has
  pg::snapshot read_;                                 // what its client was sent (last) contains these transactions
  struct change {
    row_text row;
    std::optional<std::uint32_t> transaction;
  };
  std::map<std::string, change> changed_;  // to be told at the next flush(), or when it goes live
};

/// Subscriptions to one kind of rows. A row that is written again without a difference that clients see costs them
/// nothing.
class live_index {
 public:
  using subscription_ptr = std::shared_ptr<subscription>;

  /// From now on changes are gathered for it, and held until start().
  void add(subscription_ptr);
  /// What is read for it after this contains the transactions that `seen` sees: they are not told again.
  void reading(subscription&, const pg::snapshot& seen);
  void remove(const subscription_ptr&);
  /// Its client was sent `rows`; tells it what has changed since add().
  void start(subscription&, std::span<const keyed_row> rows);
  /// What the database holds after changes may have been missed: tells a live one the differences.
  void replace(subscription&, std::span<const keyed_row> rows);

  /// Whether anybody here has this row or would get it.
  bool wanted(const std::string& key, std::span<const domain::account_id> audience) const;
  /// The row is now this, and these may see it. `transaction` did that; empty: tell it in any case.
  void change(const std::string& key, std::span<const domain::account_id> audience, const row_text& row,
              std::optional<std::uint32_t> transaction = {});
  /// Tells everybody what change() gathered: one message a subscription. Gives how many were sent.
  std::size_t flush();

  std::vector<subscription_ptr> all() const;
  std::size_t size() const noexcept { return count_; }

 private:
  void gather(const subscription_ptr&, const std::string& key, const row_text&,
              std::optional<std::uint32_t> transaction);
  bool tell(subscription&);
  void forget_row(subscription&, const std::string& key);

  std::unordered_map<domain::account_id, std::vector<subscription_ptr>> by_account_;
  std::unordered_map<std::string, std::vector<subscription_ptr>> viewers_;  // who has a row
  std::vector<subscription_ptr> loading_, touched_;
  std::size_t count_ = 0;
};

}  // namespace atrium::hub_websocket
