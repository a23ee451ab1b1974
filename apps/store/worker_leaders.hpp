/// @file worker_leaders.hpp - fences leaders of workers: who was elected before can write nothing any more. Layer:
/// apps/store. A Lease tells replicas apart, but a paused leader may wake up in the middle of a write; the database has
/// the last word.
#pragma once

#include <string>

#include "atrium/pg/pool.hpp"

namespace atrium::store {

/// What the writes of a leader carry.
struct leader_fence {
  std::string name;  ///< of the worker
  std::int64_t token = 0;
};

class worker_leaders {
 public:
  explicit worker_leaders(pg::pool& pool) noexcept : pool_(pool) {}
  /// Makes this fence the one in force, once every write under an older one has ended. Call it before the first read on
  /// which writes are based. False: a newer one is in force, so this leader is none any more.
  rt::task<bool> claim(const leader_fence&);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
