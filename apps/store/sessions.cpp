#include "apps/store/sessions.hpp"

#include "apps/store/rows.hpp"

namespace atrium::store {

rt::task<void> sessions::create(const std::string& hash, domain::account_id account, domain::timestamp expire) {
  co_await pool_.query(
      "WITH seen AS (UPDATE accounts SET last_active = timezone('UTC', now()) WHERE account_id = $2::uuid) "
      "INSERT INTO remember_me (hash, account_id, expire) VALUES ($1, $2::uuid, $3::timestamp)",
      {hash, account.view(), domain::to_iso8601(expire)});
}

rt::task<std::optional<account>> sessions::find(const std::string& hash) {
  const auto rows = co_await pool_.query(
      "SELECT a.account_id, email_address, first_name, last_name, groups, other_settings, banned, deleted, created, "
      "last_active "
      "FROM remember_me r JOIN accounts a ON a.account_id = r.account_id "
      "WHERE r.hash = $1 AND r.expire > timezone('UTC', now()) AND a.deleted IS NOT TRUE AND a.banned IS NOT TRUE",
      {hash});
  const auto row = rows.maybe();
  if (!row) co_return std::nullopt;
  co_return account_from(columns_of(*row));
}

rt::task<void> sessions::remove(const std::string& hash) {
  co_await pool_.query("DELETE FROM remember_me WHERE hash = $1", {hash});
}

rt::task<std::size_t> sessions::remove_all(domain::account_id account) {
  co_return (co_await pool_.query("DELETE FROM remember_me WHERE account_id = $1", {account.view()})).affected();
}

rt::task<std::vector<bool>> sessions::still_valid(std::span<const std::string> hashes) {
  const auto rows = co_await pool_.query(
      "SELECT (a.account_id IS NOT NULL) AS valid FROM unnest($1::text[]) WITH ORDINALITY AS asked(hash, place) "
      "LEFT JOIN remember_me r ON r.hash = asked.hash AND r.expire > timezone('UTC', now()) "
      "LEFT JOIN accounts a ON a.account_id = r.account_id AND a.deleted IS NOT TRUE AND a.banned IS NOT TRUE ORDER BY "
      "place",
      {pg::array(hashes)});
  std::vector<bool> out;
  for (const auto row : rows) out.push_back(row.get<bool>("valid"));
  co_return out;
}

rt::task<std::vector<std::optional<domain::timestamp>>> sessions::expirations(std::span<const std::string> hashes) {
  const auto rows = co_await pool_.query(
      "SELECT CASE WHEN a.account_id IS NOT NULL THEN r.expire END AS expire FROM unnest($1::text[]) WITH ORDINALITY "
      "AS "
      "asked(hash, place) LEFT JOIN remember_me r ON r.hash = asked.hash AND r.expire > timezone('UTC', now()) "
      "LEFT JOIN accounts a ON a.account_id = r.account_id AND a.deleted IS NOT TRUE AND a.banned IS NOT TRUE ORDER BY "
      "place",
      {pg::array(hashes)});
  std::vector<std::optional<domain::timestamp>> out;
  for (const auto row : rows) out.push_back(time_of(row.get<std::optional<std::string_view>>("expire")));
  co_return out;
}

rt::task<std::size_t> sessions::remove_expired(int limit) {
  co_return (co_await pool_.query("DELETE FROM remember_me WHERE hash IN (SELECT hash FROM remember_me WHERE expire <= "
                                  "timezone('UTC', now()) LIMIT $1::int)",
                                  {limit}))
      .affected();
}

rt::task<throttle::attempt> throttle::begin(std::span<const rule> rules) {
  attempt out;
  for (const auto& rule : rules) {
    // One row a key: its lock puts parallel attempts in order, so that no two can take the last one.
    const auto rows = co_await pool_.query(
        "INSERT INTO auth_throttle AS t (key, times, allowed, expire) "
        "SELECT $1, ARRAY[now.at], true, now.at + interval '1 hour' FROM (SELECT timezone('UTC', clock_timestamp()) AS "
        "at) AS now "
        "ON CONFLICT (key) DO UPDATE SET (times, allowed, expire) = ("
        "SELECT CASE WHEN ok THEN recent || excluded.times ELSE recent END, ok, CASE WHEN ok THEN excluded.expire ELSE "
        "t.expire END FROM ("
        "SELECT recent, cardinality(recent) < $3::int AND (SELECT count(*) FROM unnest(recent) AS m WHERE m > "
        "excluded.times[1] - interval '1 minute') < $2::int AS ok "
        "FROM (SELECT ARRAY(SELECT h FROM unnest(t.times) AS h WHERE h > excluded.times[1] - interval '1 hour') AS "
        "recent) AS pruned) AS counted) "
        "RETURNING allowed, times[cardinality(times)] AS at",
        {rule.key, rule.per_minute, rule.per_hour});
    const auto row = rows.one();
    if (!row.get<bool>("allowed")) {
      co_await forgive(out);  // what earlier rules counted was no attempt either
      co_return attempt{};
    }
    out.counted.push_back({rule.key, row.get<std::string>("at")});
  }
  out.allowed = true;
  co_return out;
}

rt::task<void> throttle::forgive(const attempt& a) {
  for (const auto& [key, time] : a.counted)
    co_await pool_.query("UPDATE auth_throttle SET times = array_remove(times, $2::timestamp) WHERE key = $1",
                         {key, time});
}

rt::task<std::size_t> throttle::remove_expired(int limit) {
  co_return (co_await pool_.query("DELETE FROM auth_throttle WHERE key IN (SELECT key FROM auth_throttle WHERE expire "
                                  "<= timezone('UTC', now()) LIMIT $1::int)",
                                  {limit}))
      .affected();
}

}  // namespace atrium::store
