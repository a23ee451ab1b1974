#include "atrium/net/server.hpp"
#include "tests/integration/manage/stage.hpp"

namespace atrium::tests {
namespace {

using domain::start_phase;

/// A project whose row says `state`, with the request for it long done.
rt::task<project_id> project_in(stage& s, std::string state) {
  const auto id = co_await s.make_project();
  co_await s.pool.query(
      "UPDATE projects SET state = jsonb_build_object('state', $2::text, 'time', '2026-01-01T00:00:00.000Z'), "
      "action_request = "
      "'{\"action\":\"start\",\"time\":\"2026-01-01T00:00:00.000Z\",\"started\":\"2026-01-01T00:00:00.000Z\","
      "\"finished\":\"2026-01-01T00:00:00.000Z\"}' "
      "WHERE project_id = $1::uuid",
      {id.view(), state});
  co_return id;
}

rt::task<void> make_pod(stage& s, project_id id) {
  co_await s.api.create(
      k8s::resources::pods, s.ns,
      {{"metadata", {{"name", domain::pod_name(id)}, {"labels", {{"run", "project"}}}}},
       {"spec",
        {{"nodeSelector", {{"atrium/no-such-node", "true"}}},
         {"containers",
          json::array{{{"name", "project"},
                       {"image", "i"},
                       {"env", json::array{{{"name", "ATRIUM_PROJECT_SECRET"}, {"value", "s3cret"}}}}}}}}}});
}

TEST_F(Manage, StatesAreRightAfterAnythingHappenedMeanwhile) {
  on_stage([](stage& s) -> rt::task<void> {
    const auto gone = co_await project_in(s, "running"), never_made = co_await project_in(s, "starting"),
               still_there = co_await project_in(s, "starting"), forgotten = co_await project_in(s, "opened"),
               stopped = co_await project_in(s, "stopping");
    for (const auto& id : {still_there, forgotten}) {
      co_await make_pod(s, id);
      co_await s.set_ready(id);
    }
    s.start("state", "manage-state");
    co_await s.until_state(gone, state_name::opened);
    co_await s.until_state(never_made, state_name::opened);
    co_await s.until_state(stopped, state_name::opened);
    co_await s.until_state(still_there, state_name::running);
    co_await s.until_state(forgotten, state_name::running);
    EXPECT_NE((co_await s.row(gone)).state.error, "");
    EXPECT_TRUE(domain::parse_timeline((co_await s.row(never_made)).status).phases.contains(start_phase::failed));
  });
}

TEST_F(Manage, TroublesAreToldInWordsAndPass) {
  on_stage([](stage& s) -> rt::task<void> {
    const auto id = co_await project_in(s, "starting");
    co_await make_pod(s, id);
    s.start("state", "manage-state");
    co_await s.set_status(id, {{"phase", "Pending"},
                               {"conditions", json::array{{{"type", "PodScheduled"},
                                                           {"status", "False"},
                                                           {"reason", "Unschedulable"},
                                                           {"message", "0/1 nodes"}}}}});
    co_await s.until_state(id, state_name::pending);
    EXPECT_NE((co_await s.row(id)).state.error.find("No machine has room"), std::string::npos);
    co_await s.set_status(
        id,
        {{"conditions", json::array{{{"type", "PodScheduled"}, {"status", "True"}}}},
         {"containerStatuses",
          json::array{{{"name", "project"},
                       {"ready", false},
                       {"restartCount", 0},
                       {"image", "i"},
                       {"imageID", ""},
                       {"state", {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "secret registry"}}}}}}}}});
    auto told = [&]() -> rt::task<bool> {
      co_return (co_await s.row(id)).state.error.find("image cannot be loaded") != std::string::npos;
    };
    co_await s.until(told, "the image's trouble");
    EXPECT_EQ((co_await s.row(id)).state.error.find("secret registry"), std::string::npos);
    co_await s.set_ready(id);
    co_await s.until_state(id, state_name::running);
    EXPECT_EQ((co_await s.row(id)).state.error, "");
    co_await s.api.remove(k8s::resources::pods, s.ns, domain::pod_name(id), {.grace = 0s});
    co_await s.until_state(id, state_name::opened);
  });
}

TEST_F(Manage, APodThatComesAfterTheStopGoesToo) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    const auto id = co_await project_in(s, "opened");
    co_await s.pool.query(
        "UPDATE projects SET action_request = action_request || '{\"action\":\"stop\"}' WHERE project_id = $1::uuid",
        {id.view()});
    s.start("action", "manage-action");
    s.start("state", "manage-state");
    co_await make_pod(s, id);
    co_await s.set_ready(id);
    auto gone = [&]() -> rt::task<bool> {
      co_return !co_await s.pod(id) && (co_await s.row(id)).state.state == state_name::opened;
    };
    co_await s.until(gone, "the pod to go");
    EXPECT_EQ((co_await s.row(id)).state.error, "");
  });
}

TEST_F(Manage, WhyAContainerIsNotMadeIsReadFromEvents) {
  on_stage([](stage& s) -> rt::task<void> {
    const auto id = co_await project_in(s, "starting");
    co_await make_pod(s, id);
    co_await s.set_status(
        id, {{"phase", "Pending"},
             {"conditions", json::array{{{"type", "PodScheduled"}, {"status", "True"}}}},
             {"containerStatuses", json::array{{{"name", "project"},
                                                {"ready", false},
                                                {"restartCount", 0},
                                                {"image", "i"},
                                                {"imageID", ""},
                                                {"state", {{"waiting", {{"reason", "ContainerCreating"}}}}}}}}});
    const auto uid = (co_await s.pod(id))->meta.uid;
    const auto emit = [&](const char* reason, std::string_view about, std::chrono::seconds ago) -> rt::task<void> {
      co_await s.api.create(
          k8s::resources::events, s.ns,
          {{"metadata", {{"generateName", "e-"}}},
           {"involvedObject", {{"kind", "Pod"}, {"namespace", s.ns}, {"name", domain::pod_name(id)}, {"uid", about}}},
           {"reason", reason},
           {"message", "secret server 10.0.0.1"},
           {"type", "Warning"},
           {"lastTimestamp", k8s::format_seconds(std::chrono::system_clock::now() - ago)}});
    };
    co_await emit("FailedCreatePodSandBox", uid, 60s);
    co_await emit("FailedMount", uid, 10s);
    co_await emit("Pulled", "another pod", 0s);
    s.start("state", "manage-state", {"--events-after", "200ms"});
    auto told = [&]() -> rt::task<bool> {
      co_return (co_await s.row(id)).state.error.find("files cannot be reached") != std::string::npos;
    };
    co_await s.until(told, "the storage's trouble");
    EXPECT_EQ((co_await s.row(id)).state.error.find("10.0.0.1"), std::string::npos);
    EXPECT_EQ((co_await s.row(id)).state.state, state_name::starting);
    co_await emit("Pulled", uid, 0s);
    auto over = [&]() -> rt::task<bool> { co_return (co_await s.row(id)).state.error.empty(); };
    co_await s.until(over, "the trouble to be over");
  });
}

TEST_F(Manage, AKilledLeaderIsFollowedByAnotherReplica) {
  on_stage([](stage& s) -> rt::task<void> {
    const std::vector<std::string> flags{"--leader-lease", "2s"};
    s.start("one", "manage-state", flags);
    const auto id = co_await project_in(s, "starting");
    co_await make_pod(s, id);
    co_await s.set_ready(id);
    co_await s.until_state(id, state_name::running);
    s.start("two", "manage-state", flags);
    const auto lease = k8s::parse_lease(co_await s.api.get(k8s::resources::leases, s.ns, "atrium-manage-state"));
    co_await s.kill("one");
    co_await s.api.remove(k8s::resources::pods, s.ns, domain::pod_name(id), {.grace = 0s});
    co_await s.until_state(id, state_name::opened, 10s);
    const auto now = k8s::parse_lease(co_await s.api.get(k8s::resources::leases, s.ns, "atrium-manage-state"));
    EXPECT_NE(now.holder, lease.holder);
    EXPECT_GT(now.transitions, lease.transitions);
  });
}

/// Runs `steps` while `handle` answers there in place of a project's server.
template <class Steps>
rt::task<void> with_project_server(rt::endpoint at, net::handler handle, Steps& steps) {
  auto listener = rt::listener::bind(at);
  net::http_server server(std::move(handle));
  auto body = [&](rt::scope& scope) -> rt::task<void> {
    scope.spawn(server.serve(listener), "project");
    co_await steps();
    co_await server.drain(1s);
    scope.cancel(rt::cancel_reason::requested);
  };
  co_await rt::with_scope(body);
}

rt::task<void> answer_status(net::exchange& ex) {
  const bool ours = ex.request().headers.find("Authorization") == "Bearer s3cret" && ex.request().path() == "/status";
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  if (!ours) co_return co_await ex.respond(net::response::text(401, "no"));
  co_await ex.respond(net::response::json(
      200, json::serialize(json::object{{"memory_bytes", 123456}, {"cpu_seconds", 1.5}, {"last_activity", now}})));
}

TEST_F(Manage, RunningProjectsAreAskedWhatTheyUse) {
  on_stage([](stage& s) -> rt::task<void> {
    const std::string ip = "127.16.201." + std::to_string(2 + ::getpid() % 200);
    const auto id = co_await project_in(s, "starting");
    co_await s.pool.query("UPDATE projects SET last_edited = '2026-01-01' WHERE project_id = $1::uuid", {id.view()});
    co_await make_pod(s, id);
    co_await s.set_ready(id, ip);
    auto steps = [&]() -> rt::task<void> {
      s.start("state", "manage-state", {"--usage-interval", "200ms"});
      auto used = [&]() -> rt::task<bool> {
        const auto p = co_await s.row(id);
        co_return k8s::integer_at(json::parse(p.status), {"usage", "memory_bytes"}) == 123456;
      };
      co_await s.until(used, "the usage");
      EXPECT_GT((co_await s.row(id)).last_edited.value(), domain::now() - 1min);
    };
    co_await with_project_server(rt::endpoint::ip(ip, domain::hub_port), answer_status, steps);
  });
}

TEST_F(Manage, AServerThatAnswersRunsBeforeTheKubeletHasLookedAgain) {
  on_stage([](stage& s) -> rt::task<void> {
    const std::string ip = "127.16.202." + std::to_string(2 + ::getpid() % 200);
    const auto id = co_await project_in(s, "starting");
    co_await make_pod(s, id);
    int asked = 0;
    bool up = false;
    auto answer = [&](net::exchange& e) -> rt::task<void> {
      EXPECT_EQ(e.request().target, "/ready");
      ++asked;
      co_await e.respond(up ? net::response::text(200, "ready\n") : net::response::text(503, "not yet\n"));
    };
    auto steps = [&]() -> rt::task<void> {
      s.start("state", "manage-state");
      co_await s.set_ready(id, ip, false);
      auto asked_often = [&]() -> rt::task<bool> { co_return asked >= 3; };
      co_await s.until(asked_often, "questions");
      EXPECT_EQ((co_await s.row(id)).state.state, state_name::starting);
      up = true;
      co_await s.until_state(id, state_name::running);
      EXPECT_EQ((co_await s.row(id)).state.ip, ip);
    };
    co_await with_project_server(rt::endpoint::ip(ip, domain::browser_port), answer, steps);
  });
}

}  // namespace
}  // namespace atrium::tests
