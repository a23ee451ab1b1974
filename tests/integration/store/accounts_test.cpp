#include "apps/domain/credentials.hpp"
#include "apps/store/api_keys.hpp"
#include "apps/store/project_log.hpp"
#include "apps/store/sessions.hpp"
#include "apps/store/settings.hpp"
#include "tests/integration/store/fixture.hpp"

namespace atrium::store {
namespace {

using namespace std::chrono_literals;

using Migrations = with_database;
using Accounts = with_database;
using Sessions = with_database;
using Throttle = with_database;
using ApiKeys = with_database;
using Settings = with_database;

TEST_F(Migrations, AreAppliedOnceAndRequired) {
  run([](pg::pool& pool) -> rt::task<void> {
    auto session = co_await pool.acquire();
    EXPECT_EQ(co_await migrate(*session), 0);
    co_await require_schema(*session);
    co_await session->query("DELETE FROM atrium_migrations");
    EXPECT_EQ(co_await failure_of(require_schema(*session)), disposition::conflict);
    EXPECT_EQ(co_await migrate(*session), int(migrations().size()));  // what is there is left alone
    co_await session->query("DROP TABLE atrium_migrations");
    EXPECT_EQ(co_await failure_of(require_schema(*session)), disposition::conflict);
  });
}

TEST_F(Migrations, KeepSecretsOfAccountsOutOfTheChangeStream) {
  run([](pg::pool& pool) -> rt::task<void> {
    const auto rows = co_await pool.query(
        "SELECT tablename, attnames::text FROM pg_publication_tables WHERE pubname = 'atrium_changes' ORDER BY 1");
    EXPECT_EQ(rows.size(), 3u);
    const auto columns = rows[0].get<std::string>("attnames");
    EXPECT_EQ(rows[0].get<std::string>("tablename"), "accounts");
    EXPECT_EQ(columns.find("password_hash"), std::string::npos);
    EXPECT_EQ(columns.find("ssh_keys"), std::string::npos);
    EXPECT_NE(columns.find("email_address"), std::string::npos);
  });
}

TEST_F(Accounts, OnlyTheFirstIsAdministratorEvenInARace) {
  run([](pg::pool& pool) -> rt::task<void> {
    EXPECT_FALSE(co_await accounts(pool).any());
    std::vector<account> made;
    const auto one = [&](int i) -> rt::task<void> {
      made.push_back(co_await make_account(pool, "p" + std::to_string(i)));
    };
    co_await rt::all(one(0), one(1), one(2), one(3));
    EXPECT_EQ(std::count_if(made.begin(), made.end(), [](const account& a) { return a.is_admin(); }), 1);
    EXPECT_TRUE(co_await accounts(pool).any());
  });
}

TEST_F(Accounts, OneAddressIsOneAccountEvenInARace) {
  run([](pg::pool& pool) -> rt::task<void> {
    int made = 0, refused = 0;
    const auto one = [&]() -> rt::task<void> {
      const auto problem = co_await failure_of(make_account(pool, "same"));
      (problem ? refused : made)++;
      if (problem) EXPECT_EQ(*problem, disposition::conflict);
    };
    co_await rt::all(one(), one(), one(), one());
    EXPECT_EQ(made, 1);
    EXPECT_EQ(refused, 3);
  });
}

TEST_F(Accounts, AreFoundUpdatedAndSearched) {
  run([](pg::pool& pool) -> rt::task<void> {
    accounts all(pool);
    const auto ada = co_await all.create({"ada@example.org", "$hash", "Ada", "Lovelace", ""});
    const auto bob = co_await all.create({"bob@example.org", "$hash", "Bob \"B\" O'Hara, {x}", "Lovett", "::1"});
    EXPECT_EQ((co_await all.get(bob.account_id))->full_name(), "Bob \"B\" O'Hara, {x} Lovett");
    EXPECT_TRUE((co_await all.get(ada.account_id))->created.has_value());
    EXPECT_EQ((co_await all.find_by_email("ada@example.org"))->password_hash, "$hash");
    EXPECT_FALSE(co_await all.find_by_email("ada@example.com"));
    EXPECT_FALSE(co_await all.get(domain::account_id::make_random()));

    auto changed = co_await all.update(
        ada.account_id, {.first_name = "Augusta", .last_name = {}, .other_settings = R"({"theme":"dark","x":1})"});
    EXPECT_EQ(changed.full_name(), "Augusta Lovelace");
    changed = co_await all.update(ada.account_id,
                                  {.first_name = {}, .last_name = {}, .other_settings = R"({"x":null,"y":[2]})"});
    EXPECT_EQ(changed.other_settings, R"({"y": [2], "theme": "dark"})");
    EXPECT_EQ(co_await failure_of(all.update(domain::account_id::make_random(),
                                             {.first_name = "X", .last_name = {}, .other_settings = {}})),
              disposition::not_found);

    EXPECT_EQ((co_await all.search("LOV")).size(), 2u);
    EXPECT_EQ((co_await all.search("aug lovel")).size(), 1u);
    EXPECT_EQ((co_await all.search("ove")).size(), 0u);
    EXPECT_EQ((co_await all.search("%")).size(), 0u);
    EXPECT_EQ((co_await all.search("  ")).size(), 0u);
    const auto by_address = co_await all.search("Bob@Example.org");
    EXPECT_EQ(by_address.size(), 1u);
    EXPECT_EQ(by_address[0].email_address, "");
    co_await pool.query("UPDATE accounts SET unlisted = true WHERE account_id = $1", {ada.account_id.view()});
    EXPECT_EQ((co_await all.search("lov")).size(), 1u);
    EXPECT_EQ((co_await all.search("ada@example.org")).size(), 1u);
    const std::vector<domain::account_id> ids{ada.account_id, bob.account_id, domain::account_id::make_random()};
    EXPECT_EQ((co_await all.get_people(ids)).size(), 2u);
    co_await all.touch(ada.account_id);
  });
}

TEST_F(Sessions, LastUntilTheyExpireOrAreRemoved) {
  run([](pg::pool& pool) -> rt::task<void> {
    sessions all(pool);
    const auto ada = co_await make_account(pool, "ada");
    co_await all.create("h1", ada.account_id, domain::now() + 1h);
    co_await all.create("h2", ada.account_id, domain::now() - 1s);
    co_await all.create("h3", ada.account_id, domain::now() + 1h);
    EXPECT_EQ((co_await all.find("h1"))->account_id, ada.account_id);
    EXPECT_FALSE(co_await all.find("h2"));
    EXPECT_FALSE(co_await all.find("h4"));
    const std::vector<std::string> asked{"h3", "h2", "h1", "h4"};
    EXPECT_EQ(co_await all.still_valid(asked), (std::vector<bool>{true, false, true, false}));
    EXPECT_EQ(co_await all.remove_expired(), 1u);
    co_await all.remove("h1");
    EXPECT_FALSE(co_await all.find("h1"));
    co_await pool.query("UPDATE accounts SET banned = true");
    EXPECT_FALSE(co_await all.find("h3"));
    EXPECT_EQ(co_await all.still_valid(asked), (std::vector<bool>{false, false, false, false}));
    EXPECT_EQ(co_await all.remove_all(ada.account_id), 1u);
  });
}

TEST_F(Throttle, LetsExactlySoManyThrough) {
  run([](pg::pool& pool) -> rt::task<void> {
    throttle t(pool);
    int allowed = 0;
    const auto one = [&]() -> rt::task<void> {
      const throttle::rule rules[] = {{"email x", 5, 50}, {"client y", 30, 200}};
      allowed += (co_await t.begin(rules)).allowed;
    };
    co_await rt::all(one(), one(), one(), one(), one(), one(), one(), one(), one());
    EXPECT_EQ(allowed, 5);
    // What was refused for the address does not count for the client.
    EXPECT_EQ((co_await pool.query("SELECT cardinality(times) AS n FROM auth_throttle WHERE key = 'client y'"))
                  .one()
                  .get<int>("n"),
              5 + 0);
    const throttle::rule other[] = {{"email z", 5, 50}};
    EXPECT_TRUE((co_await t.begin(other)).allowed);
  });
}

TEST_F(Throttle, WindowsSlideAndSuccessIsForgiven) {
  run([](pg::pool& pool) -> rt::task<void> {
    throttle t(pool);
    const throttle::rule rules[] = {{"k", 2, 3}};
    EXPECT_TRUE((co_await t.begin(rules)).allowed);
    const auto second = co_await t.begin(rules);
    EXPECT_TRUE(second.allowed);
    EXPECT_FALSE((co_await t.begin(rules)).allowed);
    co_await t.forgive(second);
    EXPECT_TRUE((co_await t.begin(rules)).allowed);
    const auto age = [&](const char* by) -> rt::task<void> {
      co_await pool.query(
          "UPDATE auth_throttle SET times = ARRAY(SELECT h - $1::interval FROM unnest(times) AS h), expire = expire - "
          "$1::interval",
          {by});
    };
    co_await age("61 seconds");
    EXPECT_TRUE((co_await t.begin(rules)).allowed);
    EXPECT_FALSE((co_await t.begin(rules)).allowed);  // three within the hour
    co_await age("61 minutes");
    EXPECT_TRUE((co_await t.begin(rules)).allowed);
    co_await age("61 minutes");
    EXPECT_EQ(co_await t.remove_expired(), 1u);
  });
}

TEST_F(ApiKeys, AreFoundByTheirSecretOnly) {
  run([](pg::pool& pool) -> rt::task<void> {
    api_keys all(pool);
    const auto ada = co_await make_account(pool, "ada"), bob = co_await make_account(pool, "bob");
    const auto made = co_await all.create(ada.account_id, "backup");
    EXPECT_TRUE(made.secret.ends_with(made.row.trunc.substr(6)));
    EXPECT_EQ((co_await all.find(made.secret))->account.account_id, ada.account_id);
    auto wrong = made.secret;
    wrong[5] = wrong[5] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(co_await all.find(wrong));
    EXPECT_FALSE(co_await all.find("sk-"));
    EXPECT_EQ(
        (co_await pool.query("SELECT count(*) AS n FROM api_keys WHERE hash LIKE '%' || $1 || '%'", {made.secret}))
            .one()
            .get<int>("n"),
        0);
    EXPECT_TRUE((co_await all.list(ada.account_id)).at(0).last_active.has_value());
    EXPECT_TRUE((co_await all.list(bob.account_id)).empty());
    EXPECT_FALSE(co_await all.remove(bob.account_id, made.row.id));
    EXPECT_FALSE(co_await all.rename(bob.account_id, made.row.id, "x"));
    EXPECT_TRUE(co_await all.rename(ada.account_id, made.row.id, "x"));
    EXPECT_TRUE(co_await all.remove(ada.account_id, made.row.id));
    EXPECT_FALSE(co_await all.find(made.secret));
    EXPECT_FALSE(co_await all.find((co_await all.create(ada.account_id, "old", {}, domain::now() - 1s)).secret));
  });
}

TEST_F(ApiKeys, OfAProjectDieWhenTheirOwnerLeavesIt) {
  run([](pg::pool& pool) -> rt::task<void> {
    const auto ada = co_await make_account(pool, "ada"), bob = co_await make_account(pool, "bob");
    projects all(pool);
    const auto p = co_await all.create({ada.account_id, "P", ""});
    co_await all.add_collaborator(p.project_id, ada.account_id, bob.account_id);
    const auto key = co_await api_keys(pool).create(bob.account_id, "k", p.project_id);
    EXPECT_EQ((co_await api_keys(pool).find(key.secret))->project_id, p.project_id);
    co_await all.remove_collaborator(p.project_id, ada.account_id, bob.account_id);
    EXPECT_FALSE(co_await api_keys(pool).find(key.secret));
  });
}

TEST_F(Settings, ReadonlyOnesStay) {
  run([](pg::pool& pool) -> rt::task<void> {
    server_settings all(pool);
    EXPECT_FALSE(co_await all.get("site_name"));
    co_await all.set("site_name", "A");
    co_await all.set("site_name", "B");
    EXPECT_EQ(co_await all.get("site_name"), "B");
    co_await all.set_readonly("default_quotas", R"({"cpu":2})");
    EXPECT_EQ(co_await failure_of(all.set("default_quotas", "{}")), disposition::denied);
    EXPECT_DOUBLE_EQ((co_await all.default_quotas()).cpu, 2);
    EXPECT_EQ((co_await all.all()).size(), 2u);
  });
}

TEST_F(Settings, LogKeepsWhoDidWhat) {
  run([](pg::pool& pool) -> rt::task<void> {
    project_log all(pool);
    const auto p = domain::project_id::make_random();
    const auto who = domain::account_id::make_random();
    co_await all.add(p, who, R"({"event":"created"})");
    co_await all.add(p, std::nullopt, R"({"event":"stopped"})");
    const auto entries = co_await all.list(p);
    EXPECT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries.at(0).event, R"({"event": "stopped"})");
    EXPECT_FALSE(entries.at(0).account_id);
    EXPECT_EQ(entries.at(1).account_id, who);
    EXPECT_EQ((co_await all.list(p, 1)).size(), 1u);
    EXPECT_TRUE((co_await all.list(p, 10, entries.at(1).time)).empty());
  });
}

}  // namespace
}  // namespace atrium::store
