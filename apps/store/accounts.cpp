#include "apps/store/accounts.hpp"

#include <algorithm>
#include <sstream>

#include "apps/store/rows.hpp"

namespace atrium::store {

namespace {

constexpr std::string_view account_columns =
    "account_id, email_address, first_name, last_name, groups, other_settings, banned, deleted, created, last_active";

std::string select(std::string_view rest) { return "SELECT " + std::string(account_columns) + " " + std::string(rest); }

std::optional<account> account_in(const pg::rows& rows) {
  const auto row = rows.maybe();
  if (!row) return std::nullopt;
  return account_from(columns_of(*row));
}

std::vector<person> people_in(const pg::rows& rows) {
  std::vector<person> out;
  for (const auto row : rows) {
    const auto column = columns_of(row);
    out.push_back({domain::account_id::of(*column("account_id")),
                   text_of(column, "first_name"),
                   text_of(column, "last_name"),
                   {}});
  }
  return out;
}

std::vector<std::string> words_in(const std::string& query) {
  std::istringstream in(query);
  std::vector<std::string> out;
  for (std::string word; in >> word && out.size() < 10;) out.push_back(std::move(word));
  return out;
}

}  // namespace

bool account::is_admin() const noexcept { return std::find(groups.begin(), groups.end(), "admin") != groups.end(); }

std::string full_name(const std::string& first, const std::string& last) {
  return first.empty() ? last : last.empty() ? first : first + " " + last;
}

account account_from(const column_source& column) {
  account a;
  if (const auto id = domain::account_id::parse(column("account_id").value_or(""))) a.account_id = *id;
  a.email_address = text_of(column, "email_address");
  a.first_name = text_of(column, "first_name");
  a.last_name = text_of(column, "last_name");
  if (const auto groups = column("groups"))
    for (auto& group : pg::parse_array(*groups))
      if (group) a.groups.push_back(std::move(*group));
  a.other_settings = text_of(column, "other_settings", "{}");
  a.banned = flag_of(column, "banned");
  a.deleted = flag_of(column, "deleted");
  a.created = time_of(column("created"));
  a.last_active = time_of(column("last_active"));
  return a;
}

rt::task<account> accounts::create(const new_account& a) {
  const auto id = domain::account_id::make_random();
  const auto insert = [&](pg::connection& session) -> rt::task<pg::rows> {
    // Two people who sign up to an empty system at once must not both be the first.
    co_await session.query("SELECT pg_advisory_xact_lock(hashtextextended('atrium first account', 0))");
    co_return co_await session.query(
        "INSERT INTO accounts (account_id, email_address, password_hash, first_name, last_name, groups, created, "
        "created_by, last_active) "
        "SELECT $1::uuid, $2, $3, $4, $5, CASE WHEN EXISTS (SELECT FROM accounts) THEN '{}'::text[] ELSE '{admin}' "
        "END, "
        "timezone('UTC', now()), $6::inet, timezone('UTC', now()) RETURNING " +
            std::string(account_columns),
        {id.view(), a.email_address, a.password_hash, a.first_name, a.last_name,
         a.created_by.empty() ? pg::parameter(std::nullopt) : pg::parameter(a.created_by)});
  };
  try {
    const auto rows = co_await pool_.transaction(insert);
    co_return *account_in(rows);
  } catch (const failure& f) {
    if (!is_unique_violation(f)) throw;
    throw failure(error(disposition::conflict, "There is already an account with this e-mail address. Sign in instead.")
                      .with_code("accounts.email_taken"));
  }
}

rt::task<bool> accounts::any() {
  co_return (co_await pool_.query("SELECT EXISTS (SELECT FROM accounts) AS there")).one().get<bool>("there");
}

rt::task<std::optional<account>> accounts::get(domain::account_id id) {
  co_return account_in(
      co_await pool_.query(select("FROM accounts WHERE account_id = $1 AND deleted IS NOT TRUE"), {id.view()}));
}

rt::task<std::optional<accounts::with_password>> accounts::find_by_email(const std::string& email_address) {
  const auto rows = co_await pool_.query(select(", coalesce(password_hash, '') AS password_hash FROM accounts WHERE "
                                                "email_address = $1 AND deleted IS NOT TRUE"),
                                         {email_address});
  const auto row = rows.maybe();
  if (!row) co_return std::nullopt;
  co_return with_password{account_from(columns_of(*row)), row->get<std::string>("password_hash")};
}

rt::task<void> accounts::set_password_hash(domain::account_id id, const std::string& hash) {
  co_await pool_.query("UPDATE accounts SET password_hash = $2 WHERE account_id = $1", {id.view(), hash});
}

rt::task<account> accounts::update(domain::account_id id, const changes& c) {
  const auto found = account_in(co_await pool_.query(
      "UPDATE accounts SET first_name = coalesce($2, first_name), last_name = coalesce($3, last_name), "
      "other_settings = CASE WHEN $4::jsonb IS NULL THEN other_settings ELSE "
      "jsonb_strip_nulls(coalesce(other_settings, '{}') || $4::jsonb) END "
      "WHERE account_id = $1 AND deleted IS NOT TRUE RETURNING " +
          std::string(account_columns),
      {id.view(), c.first_name, c.last_name, c.other_settings}));
  if (!found) fail(disposition::not_found, "This account does not exist any more.");
  co_return *found;
}

rt::task<std::vector<person>> accounts::search(const std::string& query, int limit) {
  const auto words = words_in(query);
  if (words.empty()) co_return std::vector<person>{};
  // Whoever knows somebody's address may find them; by name only those are found who did not hide.
  co_return people_in(co_await pool_.query(
      "SELECT account_id, first_name, last_name FROM accounts WHERE deleted IS NOT TRUE AND banned IS NOT TRUE AND "
      "(email_address = lower($1) OR (unlisted IS NOT TRUE AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS w "
      "WHERE NOT (starts_with(lower(coalesce(first_name, '')), lower(w)) OR starts_with(lower(coalesce(last_name, "
      "'')), lower(w)))))) "
      "ORDER BY email_address = lower($1) DESC, last_active DESC NULLS LAST LIMIT $3::int",
      {query, pg::array(words), limit}));
}

rt::task<std::vector<person>> accounts::get_people(std::span<const domain::account_id> ids) {
  std::vector<std::string> texts;
  for (const auto& id : ids) texts.push_back(id.str());
  co_return people_in(
      co_await pool_.query("SELECT account_id, first_name, last_name FROM accounts WHERE account_id = ANY($1::uuid[]) "
                           "AND deleted IS NOT TRUE",
                           {pg::array(texts)}));
}

rt::task<void> accounts::touch(domain::account_id id) {
  co_await pool_.query(
      "UPDATE accounts SET last_active = timezone('UTC', now()) WHERE account_id = $1 AND "
      "(last_active IS NULL OR last_active < timezone('UTC', now()) - interval '2 minutes')",
      {id.view()});
}

}  // namespace atrium::store
