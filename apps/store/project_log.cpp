#include "apps/store/project_log.hpp"

#include "apps/store/rows.hpp"

namespace atrium::store {

pg::connection::statement project_log::add_statement(domain::project_id project,
                                                     std::optional<domain::account_id> account,
                                                     const std::string& event) {
  return {
      "INSERT INTO project_log (id, project_id, \"time\", account_id, event) "
      "VALUES (gen_random_uuid(), $1::uuid, timezone('UTC', clock_timestamp()), $2::uuid, $3::jsonb)",
      {project.view(), parameter_of(account), event}};
}

rt::task<void> project_log::add(domain::project_id project, std::optional<domain::account_id> account,
                                const std::string& event) {
  auto statement = add_statement(project, account, event);
  co_await pool_.query(statement.sql, std::move(statement.parameters));
}

rt::task<std::vector<log_entry>> project_log::list(domain::project_id project, int limit,
                                                   std::optional<domain::timestamp> before) {
  const auto rows = co_await pool_.query(
      "SELECT id, account_id, \"time\", event FROM project_log WHERE project_id = $1 AND ($2::timestamp IS NULL OR "
      "\"time\" < $2::timestamp) "
      "ORDER BY \"time\" DESC LIMIT $3::int",
      {project.view(), parameter_of(before), limit});
  std::vector<log_entry> out;
  for (const auto row : rows) {
    const auto column = columns_of(row);
    log_entry entry{text_of(column, "id"), project, std::nullopt, time_of(column("time")).value_or(domain::timestamp{}),
                    text_of(column, "event", "{}")};
    if (const auto account = column("account_id")) entry.account_id = domain::account_id::of(*account);
    out.push_back(std::move(entry));
  }
  co_return out;
}

}  // namespace atrium::store
