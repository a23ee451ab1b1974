// Live queries: from a commit in PostgreSQL to the browser.
#include <gmock/gmock.h>

#include "tests/integration/hub_websocket/fixture.hpp"
#include "tests/support/held_commits.hpp"

using namespace atrium;
using namespace atrium::tests;
using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(HubLive);

namespace {

rt::task<domain::project_id> make_project(site& w, const person& owner, std::string title) {
  co_return (co_await store::projects(w.pool).create({owner.id(), title, ""})).project_id;
}

rt::task<json::array> subscribe(tab& t, std::string query) {
  co_return (co_await t.call("subscribe", {{"query", query}})).as_object()["rows"].as_array();
}

}  // namespace

// A commit that waits for a standby is on disk, and so in the change stream, but nobody sees it yet. Without a standby
// that moment is short, but longer than a page takes when the machine is busy.
TEST_P(HubLive, WhatTheStreamBringsBeforeItIsVisibleIsNotLost) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto id = co_await make_project(w, ann, "Old");
    auto first = co_await w.open(ann), second = co_await w.open(ann);
    co_await subscribe(*first, "projects");
    json::array rows;
    const auto write = [&]() -> rt::task<void> {
      co_await store::projects(w.pool).update(id, ann.id(), "New", std::nullopt);
    };
    const auto ask = [&]() -> rt::task<void> { rows = co_await subscribe(*second, "projects"); };
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      co_await tests::with_held_commits(w.pool, [&]() -> rt::task<void> {
        s.spawn(write(), "write");
        co_await first->row_with([&](json::object& row) { return row["title"] == "New"; });
        EXPECT_EQ((co_await store::projects(w.pool).get(id))->title, "Old") << "not visible yet";
        s.spawn(ask(), "ask");
        co_await rt::sleep_for(50ms);
      });
    });
    EXPECT_EQ(rows.at(0).at("title"), "New");
  }));
}

TEST_P(HubLive, ProjectsComeAndChangeAndGo) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    const auto old = co_await make_project(w, ann, "Old");
    auto a = co_await w.open(ann), b = co_await w.open(bob);
    const auto rows = co_await subscribe(*a, "projects");
    EXPECT_EQ(rows.size(), 1u);
    const auto& row = rows[0].as_object();
    EXPECT_EQ(row.at("project_id"), json::value(old.str()));
    EXPECT_EQ(row.at("state").at("state"), json::value("opened"));
    EXPECT_EQ(row.at("collaborators"),
              json::value(json::array{{{"account_id", ann.id().view()}, {"name", "ann Test"}, {"group", "owner"}}}));
    EXPECT_EQ(row.at("users").at(ann.id().view()).at("group"), json::value("owner"));
    EXPECT_EQ(row.at("deleted"), json::value(false));
    EXPECT_EQ(row.size(), 12u) << "as docs/protocols.md says, and nothing else";
    EXPECT_TRUE((co_await subscribe(*b, "projects")).empty());

    const auto id = co_await make_project(w, ann, "New");
    auto [op, made] = co_await a->one_change();
    EXPECT_EQ(op, "upsert");
    EXPECT_EQ(made.at("title"), json::value("New"));

    // What others write, workers for one.
    const store::state_update update{
        .project_id = id, .state = domain::project_state{.state = domain::state_name::starting, .time = domain::now()}};
    co_await store::project_actions(w.pool).set_states({&update, 1});
    EXPECT_EQ((co_await a->one_change()).second.at("state").at("state"), json::value("starting"));

    co_await store::projects(w.pool).add_collaborator(id, ann.id(), bob.id());
    EXPECT_EQ((co_await a->one_change()).second.at("collaborators").as_array().size(), 2u);
    auto [bob_op, bob_row] = co_await b->one_change();
    EXPECT_EQ(bob_op, "upsert");
    EXPECT_EQ(bob_row.at("project_id"), json::value(id.str()));
    co_await store::projects(w.pool).update(id, bob.id(), "Ours", std::nullopt);
    EXPECT_EQ((co_await a->one_change()).second.at("title"), json::value("Ours"));
    EXPECT_EQ((co_await b->one_change()).second.at("title"), json::value("Ours"));

    co_await store::projects(w.pool).remove_collaborator(id, ann.id(), bob.id());
    EXPECT_EQ((co_await a->one_change()).first, "upsert");
    EXPECT_EQ(co_await b->one_change(), (std::pair<std::string, json::value>("delete", id.str())));
    co_await store::projects(w.pool).set_deleted(id, ann.id(), true);
    EXPECT_EQ(co_await a->one_change(), (std::pair<std::string, json::value>("delete", id.str())));
    co_await store::projects(w.pool).set_deleted(id, ann.id(), false);
    EXPECT_EQ((co_await a->one_change()).first, "upsert");
    co_await w.pool.query("DELETE FROM projects WHERE project_id = $1", {id.view()});
    EXPECT_EQ((co_await a->one_change()).first, "delete");
    // Bob, who is out, heard nothing of all that: his next message is of his own project.
    const auto his = co_await make_project(w, bob, "His");
    EXPECT_EQ((co_await b->one_change()).second.at("project_id"), json::value(his.str()));
  }));
}

TEST_P(HubLive, WritesThatChangeNothingVisibleAreNotTold) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto id = co_await make_project(w, ann, "One");
    auto t = co_await w.open(ann);
    co_await subscribe(*t, "projects");
    for (int i = 0; i < 5; ++i)
      co_await w.pool.query(
          "UPDATE projects SET action_fence = action_fence + 1, action_lease_owner = 'x' WHERE project_id = $1",
          {id.view()});
    co_await store::projects(w.pool).update(id, ann.id(), "Two", std::nullopt);
    EXPECT_EQ((co_await t->one_change()).second.at("title"), json::value("Two"));
  }));
}

TEST_P(HubLive, AccountAndNamesAreFollowed) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    const auto id = co_await make_project(w, ann, "Ours");
    co_await store::projects(w.pool).add_collaborator(id, ann.id(), bob.id());
    auto a = co_await w.open(ann), b = co_await w.open(bob);
    const auto mine = co_await subscribe(*b, "account");
    EXPECT_EQ(mine.size(), 1u);
    EXPECT_EQ(mine[0].at("first_name"), json::value("bob"));
    co_await subscribe(*a, "projects");
    co_await b->call("accounts.update", {{"first_name", "Robert"}});
    EXPECT_EQ((co_await b->one_change()).second.at("first_name"), json::value("Robert"));
    const auto row = (co_await a->one_change()).second;
    EXPECT_NE(json::serialize(row.at("collaborators")).find("Robert Test"), std::string::npos);
    EXPECT_EQ(json::serialize(row).find("@example.com"), std::string::npos) << "no addresses of others";
  }));
}

TEST_P(HubLive, LargeTextThatDidNotChangeIsStillThere) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto id = co_await make_project(w, ann, "One");
    co_await w.pool.query(
        "UPDATE projects SET description = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i)");
    auto t = co_await w.open(ann);
    co_await subscribe(*t, "projects");
    co_await store::projects(w.pool).update(id, ann.id(), "Two", std::nullopt);
    const auto row = (co_await t->one_change()).second;
    EXPECT_EQ(row.at("title"), json::value("Two"));
    EXPECT_EQ(row.at("description").as_string().size(), 96000u);
  }));
}

TEST_P(HubLive, AfterALossOnlyDifferencesAreTold) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    const auto kept = co_await make_project(w, ann, "Kept");
    const auto changed = co_await make_project(w, ann, "Changed");
    auto a = co_await w.open(ann), b = co_await w.open(bob);
    EXPECT_EQ((co_await subscribe(*a, "projects")).size(), 2u);
    for (int round = 0; round < 3; ++round) {
      co_await w.pool.query(
          "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = "
          "current_database()");
      co_await store::projects(w.pool).update(changed, ann.id(), "Round " + std::to_string(round), std::nullopt);
      auto [op, row] = co_await a->one_change();
      EXPECT_EQ(op, "upsert");
      EXPECT_EQ(row.at("project_id"), json::value(changed.str()));
      EXPECT_EQ(row.at("title"), json::value("Round " + std::to_string(round)));
    }
    // A session that ended while nobody listened.
    co_await w.pool.query(
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = current_database()");
    co_await store::sessions(w.pool).remove(domain::session_hash(bob.token));
    EXPECT_EQ((co_await b->push()).value()["event"], json::value("signed_out"));
    co_await store::projects(w.pool).update(kept, ann.id(), "Still live", std::nullopt);
    EXPECT_EQ((co_await a->one_change()).second.at("title"), json::value("Still live"));
  }));
}

TEST_P(HubLive, NothingIsLostBetweenReadingAndFollowing) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn(
          [](site& x, person owner) -> rt::task<void> {
            for (int i = 0; i < 60; ++i) co_await make_project(x, owner, "P" + std::to_string(i));
          }(w, ann),
          "writer");
      for (int client = 0; client < 6; ++client) {
        auto t = co_await w.open(ann);
        std::set<std::string> seen;
        for (const auto& row : co_await subscribe(*t, "projects"))
          seen.insert(std::string(row.at("project_id").as_string()));
        while (seen.size() < 60) {
          auto message = (co_await t->push()).value();
          for (const auto& c : message["changes"].as_array())
            seen.insert(std::string(c.at("row").at("project_id").as_string()));
        }
      }
    });
  }));
}

TEST_P(HubLive, ClientThatDoesNotReadIsClosedWhileOthersGoOn) {
  hub_websocket::hub_options options;
  options.socket.send_queue_bytes = 256 * 1024;
  run(with_hub(options, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    const auto id = co_await make_project(w, ann, "Big");
    auto stuck = co_await w.open(ann), reader = co_await w.open(bob);
    co_await subscribe(*stuck, "projects");
    co_await subscribe(*reader, "account");
    for (int i = 0; w.hub.connections() == 2; ++i)
      co_await w.pool.query("UPDATE projects SET description = repeat($2, 100000) WHERE project_id = $1",
                            {id.view(), i % 2 ? "x" : "y"});
    co_await reader->call("accounts.update", {{"first_name", "Bobby"}});
    EXPECT_EQ((co_await reader->one_change()).second.at("first_name"), json::value("Bobby"));
  }));
}
