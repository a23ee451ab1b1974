#include "apps/store/worker_leaders.hpp"

namespace atrium::store {

rt::task<bool> worker_leaders::claim(const leader_fence& fence) {
  const auto rows = co_await pool_.query(
      "INSERT INTO worker_leaders AS w (name, token, since) VALUES ($1, $2::bigint, timezone('UTC', now())) "
      "ON CONFLICT (name) DO UPDATE SET token = excluded.token, since = excluded.since WHERE w.token <= excluded.token",
      {fence.name, fence.token});
  co_return rows.affected() == 1;
}

}  // namespace atrium::store
