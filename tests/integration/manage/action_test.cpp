#include "tests/integration/manage/stage.hpp"

namespace atrium::tests {
namespace {

using domain::start_phase;

domain::start_timeline timeline(const store::project& p) { return domain::parse_timeline(p.status); }

TEST_F(Manage, StartRunStop) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    s.start("action", "manage-action");
    s.start("state", "manage-state");
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    co_await s.until_pod(id);
    co_await s.until_finished(id);
    auto p = co_await s.row(id);
    EXPECT_EQ(p.action_request->err, "");
    EXPECT_TRUE(p.state.state == state_name::starting || p.state.state == state_name::pending)
        << "the scheduler may have looked";
    for (auto phase : {start_phase::queued, start_phase::accepted, start_phase::created})
      EXPECT_TRUE(timeline(p).phases.contains(phase)) << domain::to_string(phase);
    const auto pod = co_await s.pod(id);
    EXPECT_EQ(pod->meta.labels.at("run"), "project");
    EXPECT_EQ(pod->meta.labels.at("project_id"), id.view());

    co_await s.set_ready(id);
    co_await s.until_state(id, state_name::running);
    p = co_await s.row(id);
    EXPECT_EQ(p.state.ip, "127.16.200.1");
    EXPECT_TRUE(p.last_started);
    for (auto phase : {start_phase::scheduled, start_phase::started, start_phase::ready})
      EXPECT_TRUE(timeline(p).phases.contains(phase)) << domain::to_string(phase);

    co_await s.ask(id, action_name::stop);
    co_await s.until_state(id, state_name::opened);
    co_await s.until_finished(id);
    EXPECT_FALSE(co_await s.pod(id));
    p = co_await s.row(id);
    EXPECT_EQ(p.state.error, "");
    EXPECT_EQ(p.action_request->err, "");
  });
}

TEST_F(Manage, RestartMakesANewPod) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    s.start("action", "manage-action");
    s.start("state", "manage-state");
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    co_await s.until_pod(id);
    co_await s.set_ready(id);
    co_await s.until_state(id, state_name::running);
    const auto before = (co_await s.pod(id))->meta.uid;
    co_await s.ask(id, action_name::restart);
    co_await s.until_finished(id);
    const auto after = co_await s.pod(id);
    EXPECT_TRUE(after);
    if (!after) co_return;
    EXPECT_NE(after->meta.uid, before);
    EXPECT_NE((co_await s.row(id)).state.state, state_name::running) << "the new pod is not ready yet";
    co_await s.set_ready(id, "127.16.200.2");
    co_await s.until_state(id, state_name::running);
    EXPECT_EQ((co_await s.row(id)).state.ip, "127.16.200.2");
  });
}

TEST_F(Manage, ARestartWhoseWorkerDiedBehindTheNewPodKeepsThatPod) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::restart);
    const auto claimed = co_await s.actions.claim({"a worker that dies"}, 1, 1ms);
    EXPECT_EQ(claimed.size(), 1u);
    if (claimed.empty()) co_return;
    co_await s.api.create(k8s::resources::pods, s.ns,
                          {{"metadata",
                            {{"name", domain::pod_name(id)},
                             {"labels", {{"run", "project"}}},
                             {"annotations",
                              {{domain::fence_annotation, std::to_string(claimed[0].fence)},
                               {domain::requested_annotation, domain::to_iso8601(claimed[0].request.time)}}}}},
                           {"spec",
                            {{"nodeSelector", {{"atrium/no-such-node", "true"}}},
                             {"containers", json::array{{{"name", "project"}, {"image", "i"}}}}}}});
    const auto made = (co_await s.pod(id))->meta.uid;
    s.start("action", "manage-action");
    s.start("state", "manage-state");
    co_await s.until_finished(id);
    EXPECT_EQ((co_await s.row(id)).action_request->err, "");
    const auto now = co_await s.pod(id);
    EXPECT_TRUE(now);
    if (now) EXPECT_EQ(now->meta.uid, made);
    co_await s.set_ready(id);
    co_await s.until_state(id, state_name::running);
  });
}

TEST_F(Manage, AStartThatFindsItsPodIsDone) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    const auto id = co_await s.make_project();
    co_await s.api.create(k8s::resources::pods, s.ns,
                          {{"metadata", {{"name", domain::pod_name(id)}, {"labels", {{"run", "project"}}}}},
                           {"spec",
                            {{"nodeSelector", {{"atrium/no-such-node", "true"}}},
                             {"containers", json::array{{{"name", "project"}, {"image", "i"}}}}}}});
    s.start("action", "manage-action");
    s.start("state", "manage-state");
    co_await s.ask(id, action_name::start);
    co_await s.until_finished(id);
    EXPECT_EQ((co_await s.row(id)).action_request->err, "");
    co_await s.set_ready(id);
    co_await s.until_state(id, state_name::running);
  });
}

TEST_F(Manage, AFinishedPodOfBeforeIsReplaced) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    s.start("action", "manage-action");
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    co_await s.until_finished(id);
    const auto old = (co_await s.pod(id))->meta.uid;
    co_await s.set_status(id, {{"phase", "Failed"}, {"reason", "Evicted"}});
    s.start("state", "manage-state");
    co_await s.until_state(id, state_name::opened);
    EXPECT_NE((co_await s.row(id)).state.error.find("ran short"), std::string::npos);
    co_await s.ask(id, action_name::start);
    co_await s.until_finished(id);
    EXPECT_EQ((co_await s.row(id)).action_request->err, "");
    EXPECT_NE((co_await s.pod(id))->meta.uid, old);
  });
}

TEST_F(Manage, ACancelledStartLeavesNoPod) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    EXPECT_EQ(co_await s.actions.cancel_start(id, s.owner), store::project_actions::cancelled::withdrawn);
    s.start("action", "manage-action");
    s.start("state", "manage-state");
    const auto other = co_await s.make_project();
    co_await s.ask(other, action_name::start);
    co_await s.until_finished(other);
    EXPECT_FALSE(co_await s.pod(id)) << "requests are taken in order: this one would have been first";
    EXPECT_EQ(co_await s.actions.cancel_start(other, s.owner), store::project_actions::cancelled::stopping);
    co_await s.until_state(other, state_name::opened);
    EXPECT_FALSE(co_await s.pod(other));
  });
}

TEST_F(Manage, PeopleAreToldWhyAStartFailed) {
  on_stage([](stage& s) -> rt::task<void> {
    s.start("action", "manage-action");
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    co_await s.until_finished(id);
    auto p = co_await s.row(id);
    EXPECT_NE(p.action_request->err.find("ConfigMap project-pod"), std::string::npos) << p.action_request->err;
    EXPECT_EQ(p.state.state, state_name::opened);
    EXPECT_EQ(p.state.error, p.action_request->err);
    EXPECT_TRUE(timeline(p).phases.contains(start_phase::failed));
    EXPECT_EQ(timeline(p).reason, p.action_request->err);

    co_await s.put_templates("spec: {containers: [{name: project, ports: nonsense}]}");
    auto refused = [&]() -> rt::task<bool> {  // the new template arrives by watch
      co_await s.actions.request(id, s.owner, action_name::start);
      co_await s.until_finished(id);
      co_return (co_await s.row(id)).action_request->err.find("cluster refused its pod") != std::string::npos;
    };
    co_await s.until(refused, "the refusal");
  });
}

TEST_F(Manage, AStartThatOvertakesAStopKeepsTheReadyPodAndSaysSo) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    s.start("action", "manage-action");
    s.start("state", "manage-state", {"--resync", "10m"});
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    co_await s.until_pod(id);
    co_await s.set_ready(id, "127.16.200.3");
    co_await s.until_state(id, state_name::running);
    const auto made = (co_await s.pod(id))->meta.uid;
    // As far as a stop comes before it deletes the pod.
    co_await s.pool.query("UPDATE projects SET state = '{\"state\":\"stopping\"}' WHERE project_id = $1::uuid",
                          {id.view()});
    co_await s.ask(id, action_name::start);
    co_await s.until_state(id, state_name::running);
    EXPECT_EQ((co_await s.row(id)).state.ip, "127.16.200.3");
    const auto now = co_await s.pod(id);
    EXPECT_TRUE(now);
    if (now) EXPECT_EQ(now->meta.uid, made);
  });
}

TEST_F(Manage, AKilledWorkerLosesNothingAndNothingIsDoneTwice) {
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    constexpr int n = 60;
    std::vector<project_id> ids;
    for (int i = 0; i < n; ++i) {
      ids.push_back(co_await s.make_project());
      co_await s.ask(ids.back(), action_name::start);
    }
    const std::vector<std::string> flags{"--lease", "2s", "--parallel", "5"};
    s.start("one", "manage-action", flags);
    s.start("two", "manage-action", flags);
    auto some = [&]() -> rt::task<bool> {
      co_return (co_await s.api.list(k8s::resources::pods, s.ns)).items->size() >= 10;
    };
    co_await s.until(some, "the first pods");
    co_await s.kill("one");
    for (const auto& id : ids) {
      co_await s.until_finished(id, 30s);
      const auto p = co_await s.row(id);
      EXPECT_EQ(p.action_request->err, "");
      EXPECT_TRUE(co_await s.pod(id));
    }
    EXPECT_EQ((co_await s.api.list(k8s::resources::pods, s.ns)).items->size(), std::size_t(n));
  });
}

TEST_F(Manage, AnUnreachableClusterIsWaitedOut) {
  if (!cluster::shared().is_devcluster()) GTEST_SKIP() << "only a cluster of our own may be stopped";
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    s.start("action", "manage-action");
    const auto first = co_await s.make_project();
    co_await s.ask(first, action_name::start);
    co_await s.until_finished(first);  // it has its templates

    cluster::shared().stop();
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    auto accepted = [&]() -> rt::task<bool> { co_return (co_await s.row(id)).action_request->started.has_value(); };
    co_await s.until(accepted, "the request to be accepted");
    cluster::shared().start();
    co_await s.until_finished(id);
    EXPECT_EQ((co_await s.row(id)).action_request->err, "");
    EXPECT_TRUE(co_await s.pod(id));
  });
}

TEST_F(Manage, AnUnreachableClusterIsToldAfterTheLimit) {
  if (!cluster::shared().is_devcluster()) GTEST_SKIP() << "only a cluster of our own may be stopped";
  on_stage([](stage& s) -> rt::task<void> {
    co_await s.put_templates();
    s.start("action", "manage-action", {"--retry-limit", "1s"});
    const auto first = co_await s.make_project();
    co_await s.ask(first, action_name::start);
    co_await s.until_finished(first);
    cluster::shared().stop();
    const auto id = co_await s.make_project();
    co_await s.ask(id, action_name::start);
    co_await s.until_finished(id);
    const auto err = (co_await s.row(id)).action_request->err;
    cluster::shared().start();
    EXPECT_NE(err.find("does not answer"), std::string::npos) << err;
  });
}

}  // namespace
}  // namespace atrium::tests
