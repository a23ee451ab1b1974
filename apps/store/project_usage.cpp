#include "apps/store/project_usage.hpp"

#include <boost/json.hpp>

namespace atrium::store {

rt::task<void> project_usage::record(std::span<const usage> all) {
  if (all.empty()) co_return;
  const auto now = domain::to_iso8601(domain::now());
  boost::json::array records;
  for (const auto& u : all)
    records.push_back({{"project_id", u.project_id.view()},
                       {"usage", {{"memory_bytes", u.memory_bytes}, {"cpu_seconds", u.cpu_seconds}, {"time", now}}},
                       {"active", domain::to_iso8601(u.last_activity)}});
  co_await pool_.query(
      "WITH u AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(project_id uuid, usage jsonb, active timestamptz)), "
      "locked AS (SELECT project_id FROM projects WHERE project_id IN (SELECT project_id FROM u) AND state->>'state' = "
      "'running' ORDER BY project_id FOR NO KEY UPDATE) "
      "UPDATE projects p SET status = coalesce(p.status, '{}') || jsonb_build_object('usage', u.usage), "
      "last_edited = greatest(p.last_edited, timezone('UTC', u.active)) "
      "FROM u, locked WHERE p.project_id = u.project_id AND p.project_id = locked.project_id",
      {boost::json::serialize(records)});
}

}  // namespace atrium::store
