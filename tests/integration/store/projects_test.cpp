#include <set>

#include "tests/integration/store/fixture.hpp"

namespace atrium::store {
namespace {

using namespace std::chrono_literals;
using domain::action_name;
using domain::project_group;
using domain::start_phase;
using domain::state_name;
using asked = project_actions::asked;
using cancelled = project_actions::cancelled;

using Projects = with_database;
using Actions = with_database;
using States = with_database;

TEST_F(Projects, AreListedNewestFirstToTheirPeopleOnly) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id,
               eve = (co_await make_account(pool, "eve")).account_id;
    const auto first = co_await all.create({ada, "First \xf0\x9f\x98\x80", "a\nb"});
    const auto second = co_await all.create({ada, "Second", ""});
    EXPECT_EQ(first.group_of(ada), project_group::owner);
    EXPECT_EQ(first.state.state, state_name::opened);
    EXPECT_TRUE(first.created && first.last_edited && !first.deleted && !first.action_request);
    EXPECT_TRUE(co_await all.update(first.project_id, ada, "First", std::nullopt));
    auto list = co_await all.list_for(ada);
    EXPECT_EQ(list.size(), 2u);
    EXPECT_EQ(list.at(0).title, "First");
    EXPECT_EQ(list.at(0).description, "a\nb");
    EXPECT_TRUE((co_await all.list_for(eve)).empty());
    EXPECT_EQ((co_await all.list_for(ada, {.deleted = false, .limit = 1, .edited_since = {}})).size(), 1u);
    EXPECT_TRUE(
        (co_await all.list_for(ada, {.deleted = false, .limit = 9, .edited_since = domain::now() + 1h})).empty());

    EXPECT_FALSE(co_await all.update(first.project_id, eve, "Mine", std::nullopt));
    EXPECT_FALSE(co_await all.set_deleted(second.project_id, eve, true));
    EXPECT_TRUE(co_await all.set_deleted(second.project_id, ada, true));
    EXPECT_EQ((co_await all.list_for(ada)).size(), 1u);
    EXPECT_EQ((co_await all.list_for(ada, {.deleted = true, .limit = 9, .edited_since = {}})).size(), 1u);
    EXPECT_FALSE(co_await all.update(second.project_id, ada, "x", std::nullopt));
    EXPECT_TRUE(co_await all.set_deleted(second.project_id, ada, false));
    EXPECT_FALSE(co_await all.get(domain::project_id::make_random()));
  });
}

TEST_F(Projects, PeopleComeAndGo) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id,
               bob = (co_await make_account(pool, "bob")).account_id,
               eve = (co_await make_account(pool, "eve")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id;
    EXPECT_FALSE(co_await all.add_collaborator(p, eve, eve));
    EXPECT_FALSE(co_await all.add_collaborator(p, ada, domain::account_id::make_random()));
    EXPECT_TRUE(co_await all.add_collaborator(p, ada, bob));
    EXPECT_TRUE(co_await all.add_collaborator(p, bob, ada));  // the owner stays the owner
    const auto people = co_await all.collaborators(p);
    EXPECT_EQ(people.size(), 2u);
    EXPECT_EQ(people.at(0).group, project_group::owner);
    EXPECT_EQ(people.at(0).person.account_id, ada);
    EXPECT_EQ(people.at(1).person.email_address, "bob@example.org");
    EXPECT_EQ((co_await all.list_for(bob)).size(), 1u);
    EXPECT_FALSE(co_await all.set_deleted(p, bob, true));

    EXPECT_EQ(co_await failure_of(all.remove_collaborator(p, bob, ada)), disposition::denied);
    EXPECT_EQ(co_await failure_of(all.remove_collaborator(p, ada, ada)), disposition::conflict);
    EXPECT_EQ(co_await failure_of(all.remove_collaborator(p, eve, bob)), disposition::not_found);
    EXPECT_EQ(co_await failure_of(all.remove_collaborator(p, ada, bob)), std::nullopt);
    EXPECT_TRUE((co_await all.list_for(bob)).empty());
  });
}

TEST_F(Projects, GrantsAreCheckedOneByOneAndAllAtOnce) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id,
               bob = (co_await make_account(pool, "bob")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id,
               q = (co_await all.create({bob, "Q", ""})).project_id;
    const auto access = co_await all.find_for_proxy(p, ada);
    EXPECT_EQ(access->group, project_group::owner);
    EXPECT_EQ(access->secret_token.size(), 43u);
    EXPECT_EQ(access->user_name, "ada Tester");
    EXPECT_FALSE(co_await all.find_for_proxy(p, bob));
    const std::vector<grant> grants{{q, bob}, {p, bob}, {p, ada}, {domain::project_id::make_random(), ada}};
    EXPECT_EQ(co_await all.still_granted(grants), (std::vector<bool>{true, false, true, false}));
    co_await pool.query("UPDATE accounts SET banned = true WHERE account_id = $1", {ada.view()});
    co_await all.set_deleted(q, bob, true);
    EXPECT_EQ(co_await all.still_granted(grants), (std::vector<bool>(4, false)));
    EXPECT_FALSE(co_await all.find_for_proxy(p, ada));
    EXPECT_FALSE(co_await all.find_for_proxy(q, bob));
  });
}

TEST_F(Projects, TouchesAreRecordedWhenTheyTellSomethingNew) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id,
               bob = (co_await make_account(pool, "bob")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id;
    co_await pool.query("UPDATE projects SET last_edited = last_edited - interval '1 hour'");
    const std::vector<grant> grants{{p, ada}, {p, bob}, {p, ada}};
    co_await all.touch(grants);
    const auto touched = *co_await all.get(p);
    EXPECT_GT(*touched.last_edited, domain::now() - 5min);
    EXPECT_NE(touched.last_active.find(ada.view()), std::string::npos);
    EXPECT_NE(touched.last_active.find(bob.view()), std::string::npos);
    const auto version = "SELECT xmin::text AS v FROM projects";
    const auto before = (co_await pool.query(version)).one().get<std::string>("v");
    co_await all.touch(grants);
    EXPECT_EQ((co_await pool.query(version)).one().get<std::string>("v"), before);
    co_await all.touch({});
  });
}

TEST_F(Actions, AreAskedForOnceByThoseWhoMay) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id,
               eve = (co_await make_account(pool, "eve")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id;
    EXPECT_EQ(co_await actions.request(p, eve, action_name::start), asked::no_such_project);
    EXPECT_EQ(co_await actions.request(p, ada, action_name::stop), asked::already_there);
    EXPECT_EQ(co_await actions.request(p, ada, action_name::start), asked::requested);
    EXPECT_EQ(co_await actions.request(p, ada, action_name::start), asked::already_there);
    const auto row = *co_await all.get(p);
    EXPECT_TRUE(row.action_request->pending());
    EXPECT_EQ(row.action_request->action, action_name::start);
    EXPECT_EQ(domain::parse_timeline(row.status).phases.at(start_phase::queued), row.action_request->time);
    EXPECT_EQ(co_await actions.request(p, ada, action_name::stop), asked::requested);  // replaces the start
    EXPECT_EQ(co_await actions.request(p, ada, action_name::restart), asked::requested);
    co_await all.set_deleted(p, ada, true);
    EXPECT_EQ(co_await actions.request(p, ada, action_name::start), asked::no_such_project);
    EXPECT_EQ(co_await actions.request_by_system(p, action_name::stop), asked::requested);
  });
}

TEST_F(Actions, AreClaimedByOneWorkerEach) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    for (int i = 0; i < 20; ++i)
      co_await actions.request((co_await all.create({ada, "P" + std::to_string(i), ""})).project_id, ada,
                               action_name::start);
    std::set<domain::project_id> seen;
    const auto worker = [&](std::string name) -> rt::task<void> {
      claimant who{name};
      while (true) {
        const auto claims = co_await actions.claim(who, 3, 60s);
        for (const auto& c : claims) {
          EXPECT_TRUE(seen.insert(c.project_id).second);
          who.in_hand.push_back(c.project_id);
        }
        if (claims.empty()) co_return;
      }
    };
    co_await rt::all(worker("a"), worker("b"), worker("c"));
    EXPECT_EQ(seen.size(), 20u);
  });
}

TEST_F(Actions, FencesKeepOvertakenWorkersFromWriting) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id;
    co_await actions.request(p, ada, action_name::start);
    const auto slow = (co_await actions.claim({"slow"}, 5, 0s)).at(0);  // a lease that has run out already
    EXPECT_EQ(slow.secret_token.size(), 43u);
    EXPECT_TRUE(slow.request.started.has_value());
    const auto quick = (co_await actions.claim({"quick"}, 5, 60s)).at(0);
    EXPECT_GT(quick.fence, slow.fence);
    EXPECT_EQ(quick.request.started, slow.request.started);
    EXPECT_TRUE((co_await actions.claim({"third"}, 5, 60s)).empty());
    EXPECT_FALSE(co_await actions.finish(p, slow.fence));
    EXPECT_FALSE(co_await actions.release(p, slow.fence));
    const std::vector<claimed_action> claims{slow, quick};
    EXPECT_EQ(co_await actions.renew("quick", claims, 60s), std::vector{quick.fence});
    EXPECT_EQ((co_await all.get(p))->state.state, state_name::starting);
    EXPECT_TRUE(co_await actions.finish(p, quick.fence, {}, domain::run_quota{.cpu_limit = 2}));
    const auto quota = co_await pool.query("SELECT run_quota::text FROM projects");
    EXPECT_EQ(domain::parse_run_quota(quota.one().get<std::string_view>(0)).cpu_limit, 2);
    EXPECT_FALSE(co_await actions.finish(p, quick.fence));
    const auto row = *co_await all.get(p);
    EXPECT_TRUE(row.action_request->finished && row.action_request->err.empty());
    const auto phases = domain::parse_timeline(row.status).phases;
    EXPECT_TRUE(phases.contains(start_phase::accepted) && phases.contains(start_phase::created));
    EXPECT_TRUE((co_await actions.claim({"third"}, 5, 60s)).empty());
  });
}

TEST_F(Actions, WhatAReplicaHeldAndHasNotInHandIsFree) {
  run([](pg::pool& pool) -> rt::task<void> {
    projects all(pool);
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id;
    co_await actions.request(p, ada, action_name::start);
    const auto first = (co_await actions.claim({"r/1", "r"}, 5, 60s)).at(0);
    for (const auto& other :
         {claimant{"s/1", "s"}, claimant{"r2/1", "r2"}, claimant{"r", ""}, claimant{"r/1", "r", {p}}})
      EXPECT_TRUE((co_await actions.claim(other, 5, 60s)).empty()) << other.identity;
    const auto next = (co_await actions.claim({"r/2", "r"}, 5, 60s)).at(0);
    EXPECT_GT(next.fence, first.fence) << "what the one before may still write changes nothing";
    const auto again = (co_await actions.claim({"r/2", ""}, 5, 60s)).at(0);
    EXPECT_GT(again.fence, next.fence) << "its own, after a lost answer";
    EXPECT_FALSE(co_await actions.finish(p, first.fence));
    EXPECT_TRUE(co_await actions.finish(p, again.fence));
    EXPECT_TRUE((co_await actions.claim({"r/3", "r"}, 5, 60s)).empty());
  });
}

TEST_F(Actions, ANewRequestOvertakesTheWorkerOfTheOld) {
  run([](pg::pool& pool) -> rt::task<void> {
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    const auto p = (co_await projects(pool).create({ada, "P", ""})).project_id;
    co_await actions.request(p, ada, action_name::start);
    const auto old = (co_await actions.claim({"w"}, 1, 60s)).at(0);
    co_await actions.request(p, ada, action_name::stop);
    EXPECT_FALSE(co_await actions.finish(p, old.fence, "No room."));
    const auto next = (co_await actions.claim({"v"}, 1, 60s)).at(0);
    EXPECT_EQ(next.request.action, action_name::stop);
    EXPECT_TRUE(co_await actions.release(p, next.fence));
    EXPECT_EQ((co_await actions.claim({"w"}, 1, 60s)).at(0).project_id, p);
  });
}

TEST_F(Actions, FailuresAreToldInTheTimeline) {
  run([](pg::pool& pool) -> rt::task<void> {
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    const auto p = (co_await projects(pool).create({ada, "P", ""})).project_id;
    co_await actions.request(p, ada, action_name::start);
    const auto claim = (co_await actions.claim({"w"}, 1, 60s)).at(0);
    EXPECT_TRUE(co_await actions.finish(p, claim.fence, "No node has room."));
    const auto row = *co_await projects(pool).get(p);
    EXPECT_EQ(row.action_request->err, "No node has room.");
    const auto timeline = domain::parse_timeline(row.status);
    EXPECT_EQ(timeline.reason, "No node has room.");
    EXPECT_TRUE(timeline.phases.contains(start_phase::failed));
    co_await actions.request(p, ada, action_name::start);  // a new attempt starts a new timeline
    EXPECT_EQ(domain::parse_timeline((co_await projects(pool).get(p))->status).phases.size(), 1u);
  });
}

TEST_F(Actions, APendingStartIsTakenBack) {
  run([](pg::pool& pool) -> rt::task<void> {
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id,
               eve = (co_await make_account(pool, "eve")).account_id;
    const auto p = (co_await projects(pool).create({ada, "P", ""})).project_id;
    EXPECT_EQ(co_await actions.cancel_start(p, ada), cancelled::nothing_to_cancel);
    co_await actions.request(p, ada, action_name::start);
    EXPECT_EQ(co_await actions.cancel_start(p, eve), cancelled::no_such_project);
    EXPECT_EQ(co_await actions.cancel_start(p, ada), cancelled::withdrawn);
    EXPECT_TRUE((co_await actions.claim({"w"}, 1, 60s)).empty());
    co_await actions.request(p, ada, action_name::start);
    const auto claim = (co_await actions.claim({"w"}, 1, 60s)).at(0);
    EXPECT_EQ(co_await actions.cancel_start(p, ada), cancelled::stopping);
    EXPECT_FALSE(co_await actions.finish(p, claim.fence));
    EXPECT_EQ((co_await actions.claim({"w"}, 1, 60s)).at(0).request.action, action_name::stop);
  });
}

TEST_F(States, OnlyDifferencesAreWritten) {
  run([](pg::pool& pool) -> rt::task<void> {
    project_actions actions(pool);
    projects all(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    const auto p = (co_await all.create({ada, "P", ""})).project_id,
               q = (co_await all.create({ada, "Q", ""})).project_id;
    const auto t = domain::now();
    const std::vector<state_update> updates{{.project_id = p,
                                             .state = domain::project_state{state_name::starting, t, "", ""},
                                             .only_from = {state_name::opened},
                                             .timeline = {{start_phase::created, t}},
                                             .failure_reason = {},
                                             .fence = {}},
                                            {.project_id = q,
                                             .state = domain::project_state{state_name::running, t, "127.16.0.2", ""},
                                             .only_from = {},
                                             .timeline = {},
                                             .failure_reason = {},
                                             .fence = {}},
                                            {.project_id = p,
                                             .state = domain::project_state{state_name::running, t, "127.16.0.1", ""},
                                             .only_from = {state_name::starting},
                                             .timeline = {{start_phase::created, t + 9s}, {start_phase::ready, t + 1s}},
                                             .failure_reason = {},
                                             .fence = {}},
                                            {.project_id = domain::project_id::make_random(),
                                             .state = domain::project_state{},
                                             .only_from = {},
                                             .timeline = {},
                                             .failure_reason = {},
                                             .fence = {}}};
    EXPECT_EQ((co_await actions.set_states(updates)).size(), 3u);
    const auto row = *co_await all.get(p);
    EXPECT_EQ(row.state, (domain::project_state{state_name::running, t, "127.16.0.1", ""}));
    EXPECT_TRUE(row.last_started.has_value());
    const auto timeline = domain::parse_timeline(row.status);
    EXPECT_EQ(timeline.phases.at(start_phase::created), t);  // the first time stays
    EXPECT_EQ(timeline.phases.at(start_phase::ready), t + 1s);
    const std::vector<state_update> again{
        {.project_id = p,
         .state = domain::project_state{state_name::running, t + 5s, "127.16.0.1", ""},
         .only_from = {},
         .timeline = {{start_phase::ready, t + 7s}},
         .failure_reason = {},
         .fence = {}},
        {.project_id = q,
         .state = domain::project_state{state_name::stopping, t, "", ""},
         .only_from = {state_name::opened},
         .timeline = {},
         .failure_reason = {},
         .fence = {}}};
    EXPECT_TRUE((co_await actions.set_states(again)).empty());
    EXPECT_EQ((co_await actions.with_pods()).size(), 2u);
    EXPECT_EQ((co_await all.find_for_proxy(q, ada))->state.ip, "127.16.0.2");
    EXPECT_EQ(co_await actions.request(p, ada, action_name::start), asked::already_there);
    EXPECT_EQ(co_await actions.request(p, ada, action_name::stop), asked::requested);
    EXPECT_TRUE((co_await actions.set_states({})).empty());
  });
}

TEST_F(States, FencesAndReasonsAreHeeded) {
  run([](pg::pool& pool) -> rt::task<void> {
    project_actions actions(pool);
    const auto ada = (co_await make_account(pool, "ada")).account_id;
    const auto p = (co_await projects(pool).create({ada, "P", ""})).project_id;
    co_await actions.request(p, ada, action_name::start);
    const auto claim = (co_await actions.claim({"w"}, 1, 60s)).at(0);
    std::vector<state_update> update{{.project_id = p,
                                      .state = domain::project_state{state_name::starting, domain::now(), "", ""},
                                      .only_from = {},
                                      .timeline = {},
                                      .failure_reason = "It's \"full\".",
                                      .fence = claim.fence - 1}};
    EXPECT_TRUE((co_await actions.set_states(update)).empty());
    update[0].fence = claim.fence;
    EXPECT_EQ((co_await actions.set_states(update)).size(), 1u);
    EXPECT_EQ(domain::parse_timeline((co_await projects(pool).get(p))->status).reason, "It's \"full\".");
  });
}

}  // namespace
}  // namespace atrium::store
