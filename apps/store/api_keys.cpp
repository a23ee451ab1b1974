#include "apps/store/api_keys.hpp"

#include "apps/domain/credentials.hpp"
#include "apps/domain/crypto.hpp"
#include "apps/store/rows.hpp"

namespace atrium::store {

namespace {

constexpr std::string_view key_columns = "id, account_id, project_id, name, trunc, created, expire, last_active";

api_key key_from(const pg::rows::row& row) {
  const auto column = columns_of(row);
  api_key k;
  k.id = row.get<std::int64_t>("id");
  k.account_id = domain::account_id::of(*column("account_id"));
  if (const auto project = column("project_id")) k.project_id = domain::project_id::of(*project);
  k.name = text_of(column, "name");
  k.trunc = text_of(column, "trunc");
  k.created = time_of(column("created"));
  k.expire = time_of(column("expire"));
  k.last_active = time_of(column("last_active"));
  return k;
}

}  // namespace

rt::task<api_keys::created> api_keys::create(domain::account_id account, const std::string& name,
                                             std::optional<domain::project_id> project,
                                             std::optional<domain::timestamp> expire) {
  // The key spells its row's number, so the number comes first.
  const auto number = (co_await pool_.query("SELECT nextval(pg_get_serial_sequence('api_keys', 'id')) AS id"))
                          .one()
                          .get<std::int64_t>("id");
  const auto secret = domain::new_api_key(number);
  const auto rows = co_await pool_.query(
      "INSERT INTO api_keys (id, account_id, project_id, name, hash, trunc, created, expire) "
      "VALUES ($1::int, $2::uuid, $3::uuid, $4, $5, $6, timezone('UTC', now()), $7::timestamp) RETURNING " +
          std::string(key_columns),
      {number, account.view(), parameter_of(project), name, domain::api_key_hash(secret), domain::api_key_trunc(secret),
       parameter_of(expire)});
  co_return created{key_from(rows.one()), secret};
}

rt::task<std::vector<api_key>> api_keys::list(domain::account_id account, std::optional<domain::project_id> project) {
  const auto rows = co_await pool_.query(
      "SELECT " + std::string(key_columns) +
          " FROM api_keys WHERE account_id = $1::uuid AND ($2::uuid IS NULL OR project_id = $2::uuid) ORDER BY id",
      {account.view(), parameter_of(project)});
  std::vector<api_key> out;
  for (const auto row : rows) out.push_back(key_from(row));
  co_return out;
}

rt::task<bool> api_keys::rename(domain::account_id account, std::int64_t id, const std::string& name) {
  co_return (co_await pool_.query("UPDATE api_keys SET name = $3 WHERE id = $2::bigint AND account_id = $1::uuid",
                                  {account.view(), id, name}))
          .affected() == 1;
}

rt::task<bool> api_keys::remove(domain::account_id account, std::int64_t id) {
  co_return (co_await pool_.query("DELETE FROM api_keys WHERE id = $2::bigint AND account_id = $1::uuid",
                                  {account.view(), id}))
          .affected() == 1;
}

rt::task<std::optional<api_keys::owner>> api_keys::find(const std::string& key) {
  const auto parts = domain::parse_api_key(key);
  if (!parts) co_return std::nullopt;
  const auto rows = co_await pool_.query(
      "SELECT a.account_id, email_address, first_name, last_name, groups, other_settings, banned, a.deleted, "
      "a.created, a.last_active, "
      "k.hash, k.project_id, (k.last_active IS NULL OR k.last_active < timezone('UTC', now()) - interval '1 minute') "
      "AS stale "
      "FROM api_keys k JOIN accounts a ON a.account_id = k.account_id LEFT JOIN projects p ON p.project_id = "
      "k.project_id "
      "WHERE k.id = $1::bigint AND (k.expire IS NULL OR k.expire > timezone('UTC', now())) AND a.deleted IS NOT TRUE "
      "AND a.banned IS NOT TRUE "
      "AND (k.project_id IS NULL OR p.users->(k.account_id::text)->>'group' IN ('owner', 'collaborator'))",
      {parts->id});
  const auto row = rows.maybe();
  if (!row || !domain::equal_in_constant_time(row->get<std::string>("hash"), domain::api_key_hash(key)))
    co_return std::nullopt;
  owner found;
  found.account = account_from(columns_of(*row));
  found.key_id = parts->id;
  if (const auto project = row->get<std::optional<std::string>>("project_id"))
    found.project_id = domain::project_id::of(*project);
  if (row->get<bool>("stale"))
    co_await pool_.query("UPDATE api_keys SET last_active = timezone('UTC', now()) WHERE id = $1::bigint", {parts->id});
  co_return found;
}

rt::task<std::vector<bool>> api_keys::still_valid(std::span<const known_key> keys) {
  if (keys.empty()) co_return std::vector<bool>{};
  std::vector<std::string> ids, hashes;
  for (const auto& k : keys) {
    ids.push_back(std::to_string(k.id));
    hashes.push_back(k.hash);
  }
  const auto rows = co_await pool_.query(
      "SELECT (a.account_id IS NOT NULL) AS valid FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked(id, "
      "hash, place) LEFT JOIN api_keys k ON k.id = asked.id AND k.hash = asked.hash AND (k.expire IS NULL OR k.expire "
      "> "
      "timezone('UTC', now())) "
      "LEFT JOIN accounts a ON a.account_id = k.account_id AND a.deleted IS NOT TRUE AND a.banned IS NOT TRUE ORDER BY "
      "place",
      {pg::array(ids), pg::array(hashes)});
  std::vector<bool> out;
  for (const auto row : rows) out.push_back(row.get<bool>("valid"));
  co_return out;
}

}  // namespace atrium::store
