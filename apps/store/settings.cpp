#include "apps/store/settings.hpp"

namespace atrium::store {

rt::task<std::optional<std::string>> server_settings::get(const std::string& name) {
  const auto rows =
      co_await pool_.query("SELECT coalesce(value, '') AS value FROM server_settings WHERE name = $1", {name});
  const auto row = rows.maybe();
  if (!row) co_return std::nullopt;
  co_return row->get<std::string>("value");
}

rt::task<std::map<std::string, std::string>> server_settings::all() {
  const auto rows = co_await pool_.query("SELECT name, coalesce(value, '') AS value FROM server_settings");
  std::map<std::string, std::string> out;
  for (const auto row : rows) out.emplace(row.get<std::string>("name"), row.get<std::string>("value"));
  co_return out;
}

rt::task<void> server_settings::set(const std::string& name, const std::string& value) {
  const auto rows = co_await pool_.query(
      "INSERT INTO server_settings AS s (name, value) VALUES ($1, $2) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.readonly IS NOT TRUE",
      {name, value});
  if (rows.affected() == 0)
    fail(disposition::denied, "This setting comes from the installation's configuration: change it there.");
}

rt::task<void> server_settings::set_readonly(const std::string& name, const std::string& value) {
  co_await pool_.query(
      "INSERT INTO server_settings (name, value, readonly) VALUES ($1, $2, true) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value, readonly = true",
      {name, value});
}

rt::task<domain::default_quotas> server_settings::default_quotas() {
  co_return domain::parse_default_quotas((co_await get("default_quotas")).value_or("{}"));
}

}  // namespace atrium::store
