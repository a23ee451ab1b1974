#include "apps/domain/project.hpp"

#include <gtest/gtest.h>

#include "apps/domain/quota.hpp"

namespace atrium::domain {
namespace {

using namespace std::chrono_literals;

const auto ann = account_id::of("11111111-1111-4111-8111-111111111111"),
           bob = account_id::of("22222222-2222-4222-8222-222222222222"),
           eve = account_id::of("33333333-3333-4333-8333-333333333333");

TEST(Users, MalformedEntriesGiveNobodyAccess) {
  const auto users = parse_users(R"({"11111111-1111-4111-8111-111111111111":{"group":"owner","hide":true},
    "22222222-2222-4222-8222-222222222222":{"group":"collaborator"},"33333333-3333-4333-8333-333333333333":{"group":"viewer"},
    "44444444-4444-4444-8444-444444444444":null,"55555555-5555-4555-8555-555555555555":{"group":["owner"]},"nobody":{"group":"owner"}})");
  EXPECT_EQ(users, (project_users{{ann, project_group::owner}, {bob, project_group::collaborator}}));
  EXPECT_TRUE(parse_users("").empty());
  EXPECT_TRUE(parse_users("[1]").empty());
  EXPECT_TRUE(parse_users(std::string(100'000, '[')).empty());
}

TEST(Rights, FollowTheGroup) {
  using enum project_right;
  for (const auto right : {see, work, invite, remove_others, remove}) {
    EXPECT_TRUE(may(project_group::owner, right));
    EXPECT_FALSE(may(std::nullopt, right));
  }
  EXPECT_TRUE(may(project_group::collaborator, work));
  EXPECT_TRUE(may(project_group::collaborator, invite));
  EXPECT_FALSE(may(project_group::collaborator, remove_others));
  EXPECT_FALSE(may(project_group::collaborator, remove));
}

TEST(Rights, TheLastOwnerStays) {
  const project_users users{{ann, project_group::owner}, {bob, project_group::collaborator}};
  EXPECT_TRUE(may_remove_collaborator(users, ann, bob).has_value());
  EXPECT_TRUE(may_remove_collaborator(users, bob, bob).has_value());
  EXPECT_EQ(may_remove_collaborator(users, bob, ann).error().disposition(), disposition::denied);
  EXPECT_EQ(may_remove_collaborator(users, ann, ann).error().disposition(), disposition::conflict);
  EXPECT_EQ(may_remove_collaborator(users, eve, bob).error().disposition(), disposition::not_found);
  EXPECT_EQ(may_remove_collaborator(users, ann, eve).error().disposition(), disposition::not_found);
  const project_users two{{ann, project_group::owner}, {bob, project_group::owner}};
  EXPECT_TRUE(may_remove_collaborator(two, ann, ann).has_value());
}

TEST(State, RoundTrips) {
  project_state s{state_name::running, *parse_timestamp("2026-07-03T12:34:56.789Z"), "127.16.0.9", ""};
  EXPECT_EQ(to_json(s), R"({"state":"running","time":"2026-07-03T12:34:56.789Z","ip":"127.16.0.9"})");
  EXPECT_EQ(parse_state(to_json(s)), s);
  s = {state_name::opened, std::nullopt, "", "No \"room\"."};
  EXPECT_EQ(parse_state(to_json(s)), s);
  EXPECT_EQ(parse_state(""), project_state{});
  EXPECT_EQ(parse_state(R"({"state":"dancing","ip":7})"), project_state{});
}

TEST(State, EveryNameIsFoundAgain) {
  for (int i = 0; i <= int(state_name::stopping); ++i)
    EXPECT_EQ(parse_state_name(to_string(state_name(i))), state_name(i));
  EXPECT_FALSE(parse_state_name("Running"));
}

TEST(State, MachineFollowsTheLifeOfAPod) {
  using enum state_name;
  const std::vector<std::pair<state_name, state_name>> usual{
      {opened, starting},  {starting, pending}, {pending, running}, {starting, running},
      {running, stopping}, {stopping, opened},  {running, opened},  {running, running}};
  for (const auto& [from, to] : usual) EXPECT_TRUE(may_follow(from, to)) << to_string(from) << " -> " << to_string(to);
  EXPECT_FALSE(may_follow(opened, stopping));
  EXPECT_FALSE(may_follow(stopping, running));
  EXPECT_FALSE(may_follow(archived, running));
  EXPECT_EQ(time_limit(starting), 60s);
  EXPECT_EQ(time_limit(running), 0s);
  for (int i = 0; i <= int(stopping); ++i) {
    EXPECT_EQ(is_stable(state_name(i)), time_limit(state_name(i)) == 0s);
    EXPECT_TRUE(may_follow(state_name(i), opened));
  }
  EXPECT_TRUE(has_pod(stopping));
  EXPECT_FALSE(has_pod(opened));
}

TEST(Request, RoundTrips) {
  action_request r{action_name::start, *parse_timestamp("2026-07-03T12:34:56.789Z"), std::nullopt, std::nullopt, ""};
  EXPECT_EQ(to_json(r), R"({"action":"start","time":"2026-07-03T12:34:56.789Z","started":null,"finished":null})");
  EXPECT_EQ(parse_action_request(to_json(r)), r);
  EXPECT_TRUE(r.pending());
  r.started = r.time + 5ms;
  r.finished = r.time + 900ms;
  r.err = "No node has room.";
  EXPECT_EQ(parse_action_request(to_json(r)), r);
  EXPECT_FALSE(r.pending());
  EXPECT_FALSE(parse_action_request("{}"));
  EXPECT_FALSE(parse_action_request(R"({"action":"explode"})"));
}

TEST(Timeline, RoundTripsInsideTheStatus) {
  const auto t0 = *parse_timestamp("2026-07-03T12:34:56.000Z");
  const start_timeline t{{{start_phase::queued, t0}, {start_phase::created, t0 + 20ms}, {start_phase::failed, t0 + 1s}},
                         "It is full."};
  EXPECT_EQ(parse_timeline(R"({"cpu":1,"start":)" + to_json(t) + "}"), t);
  EXPECT_EQ(parse_timeline("{}"), start_timeline{});
  EXPECT_EQ(parse_timeline(R"({"start":{"queued":"yesterday"}})"), start_timeline{});
}

TEST(Quota, DefaultsGiveRequestsByOverCommitment) {
  const auto d =
      parse_default_quotas(R"({"internet":true,"idle_timeout":3600,"cpu":1,"cpu_oc":10,"mem":1000,"mem_oc":5})");
  const auto q = compute_run_quota(d);
  EXPECT_DOUBLE_EQ(q.cpu_limit, 1);
  EXPECT_DOUBLE_EQ(q.cpu_request, 0.1);
  EXPECT_EQ(q.memory_limit, 1000);
  EXPECT_EQ(q.memory_request, 200);
  EXPECT_EQ(q.idle_timeout, 3600);
  EXPECT_EQ(q.disk_quota, 3000);
  EXPECT_TRUE(q.network);
  EXPECT_EQ(parse_run_quota(to_json(q)), q);
}

TEST(Quota, FloorsHold) {
  const auto d = parse_default_quotas(R"({"cpu":0.1,"cpu_oc":100,"mem":100,"mem_oc":100})");
  auto q = compute_run_quota(d);
  EXPECT_DOUBLE_EQ(q.cpu_request, 0.02);
  EXPECT_EQ(q.memory_limit, 1000);
  EXPECT_EQ(q.memory_request, 200);
  q = compute_run_quota(d, R"({"member_host":1})");
  EXPECT_DOUBLE_EQ(q.cpu_request, 0.05);
  EXPECT_EQ(q.memory_request, 300);
}

TEST(Quota, SettingsRaiseAndNeverLower) {
  const default_quotas d;
  auto q = compute_run_quota(
      d, R"({"memory":4000.7,"cores":3,"cpu_shares":512,"mintime":7200,"disk_quota":20000,"always_running":1})");
  EXPECT_EQ(q.memory_limit, 4000);
  EXPECT_EQ(q.memory_request, 800);
  EXPECT_DOUBLE_EQ(q.cpu_limit, 3);
  EXPECT_DOUBLE_EQ(q.cpu_request, 0.5);
  EXPECT_EQ(q.idle_timeout, 7200);
  EXPECT_EQ(q.disk_quota, 20000);
  EXPECT_TRUE(q.always_running);
  q = compute_run_quota(d, R"({"memory":1,"cores":0.1,"mintime":1,"disk_quota":1})");
  EXPECT_EQ(q.memory_limit, 1000);
  EXPECT_DOUBLE_EQ(q.cpu_limit, 1);
  EXPECT_EQ(q.idle_timeout, 3600);
  EXPECT_EQ(q.disk_quota, 3000);
  EXPECT_LE(compute_run_quota(d, R"({"cpu_shares":999999,"memory_request":999999})").cpu_request, 1);
  EXPECT_LE(compute_run_quota(d, R"({"memory_request":999999})").memory_request, 1000);
}

TEST(Quota, WithoutInternetWins) {
  EXPECT_FALSE(compute_run_quota({}, R"({"network":true,"disableInternet":true})").network);
}

TEST(Quota, NonsenseIsIgnored) {
  const auto d = parse_default_quotas(R"({"cpu":-1,"cpu_oc":0.1,"mem":"many","mem_oc":null,"idle_timeout":1e300})");
  EXPECT_DOUBLE_EQ(d.cpu, 1);
  EXPECT_DOUBLE_EQ(d.cpu_oc, 1);
  EXPECT_EQ(d.mem, 1000);
  EXPECT_EQ(d.idle_timeout, 3600);
  EXPECT_EQ(compute_run_quota({}, R"({"memory":1e308,"cores":-5,"mintime":"x"})"), compute_run_quota({}));
}

}  // namespace
}  // namespace atrium::domain
