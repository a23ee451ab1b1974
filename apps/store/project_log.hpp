/// @file project_log.hpp - table project_log: who did what when. Layer: apps/store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::store {

struct log_entry {
  std::string id;
  domain::project_id project_id;
  std::optional<domain::account_id> account_id;  ///< empty: the system
  domain::timestamp time{};
  std::string event;  ///< JSON object with member "event"
};

class project_log {
 public:
  explicit project_log(pg::pool& pool) noexcept : pool_(pool) {}
  /// `event` is JSON text: {"event":"started", ...}
  rt::task<void> add(domain::project_id, std::optional<domain::account_id>, const std::string& event);
  /// Newest first.
  rt::task<std::vector<log_entry>> list(domain::project_id, int limit = 100,
                                        std::optional<domain::timestamp> before = {});
  /// The statement of add(), for a pipeline.
  static pg::connection::statement add_statement(domain::project_id, std::optional<domain::account_id>,
                                                 const std::string& event);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
