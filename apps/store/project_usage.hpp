/// @file project_usage.hpp - what running projects use, and when somebody last worked in them. Layer: apps/store.
#pragma once

#include <span>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::store {

struct usage {
  domain::project_id project_id;
  std::int64_t memory_bytes = 0;
  double cpu_seconds = 0;
  domain::timestamp last_activity{};  ///< moves projects.last_edited forward, never back
};

class project_usage {
 public:
  explicit project_usage(pg::pool& pool) noexcept : pool_(pool) {}
  /// Writes `status.usage` = {memory_bytes, cpu_seconds, time} of projects that run. One statement, rows in a fixed
  /// order.
  rt::task<void> record(std::span<const usage>);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
