#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "apps/domain/project_pod.hpp"
#include "apps/manage-state/decide.hpp"
#include "apps/manage-state/trouble.hpp"
#include "apps/manage-state/usage.hpp"

namespace atrium::manage_state {
namespace {

using namespace std::chrono_literals;
using domain::action_name;
using domain::start_phase;
using domain::state_name;
using observed = store::project_actions::observed;
namespace json = boost::json;

const auto project = domain::project_id::of("1f0e3dad-9990-4345-b743-9f8ffabdffc4");
const domain::timestamp now = domain::parse_timestamp("2026-11-24T10:00:00.500Z").value();

json::value pod_json(json::object status, std::string_view fence = "5", bool deleted = false) {
  json::object meta{{"name", domain::pod_name(project)},
                    {"namespace", "n"},
                    {"uid", "u"},
                    {"annotations", {{"atrium/fence", fence}}}};
  if (deleted) meta["deletionTimestamp"] = "2026-11-24T10:00:00Z";
  return {{"metadata", std::move(meta)},
          {"spec",
           {{"containers", {{{"name", "project"}, {"env", {{{"name", "ATRIUM_PROJECT_SECRET"}, {"value", "s3"}}}}}}}}},
          {"status", std::move(status)}};
}

json::object container(json::object state, json::object last = {}, int restarts = 0) {
  return {{"name", "project"}, {"state", std::move(state)}, {"lastState", std::move(last)}, {"restartCount", restarts}};
}

pod_view ready_pod(std::string_view fence = "5") {
  return *view_of(pod_json(
      {{"phase", "Running"},
       {"podIP", "127.16.0.1"},
       {"conditions",
        json::array{{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", "2026-11-24T09:59:59Z"}},
                    {{"type", "Ready"}, {"status", "True"}, {"lastTransitionTime", "2026-11-24T10:00:00Z"}}}},
       {"containerStatuses", json::array{container({{"running", {{"startedAt", "2026-11-24T10:00:00Z"}}}})}}},
      fence));
}

pod_view waiting_pod(std::string_view reason, json::object last = {}, int restarts = 0) {
  return *view_of(pod_json(
      {{"phase", "Pending"},
       {"containerStatuses", json::array{container({{"waiting", {{"reason", reason}}}}, std::move(last), restarts)}}}));
}

observed row(state_name state, std::optional<action_name> action = action_name::start,
             std::optional<domain::timestamp> finished = now - 1min) {
  observed r{project, {.state = state}, std::nullopt, 5};
  if (action)
    r.action_request =
        domain::action_request{.action = *action, .time = now - 2min, .started = now - 2min, .finished = finished};
  return r;
}

TEST(PodView, KeepsWhatIsNeeded) {
  const auto p = ready_pod();
  EXPECT_EQ(p.project, project);
  EXPECT_EQ(p.secret, "s3");
  EXPECT_EQ(p.fence, 5);
  EXPECT_TRUE(p.ready);
  EXPECT_EQ(p.ip, "127.16.0.1");
  EXPECT_FALSE(view_of(json::object{{"metadata", {{"name", "other"}}}}));
  EXPECT_FALSE(view_of(nullptr));
}

TEST(Decide, AReadyPodMakesTheProjectRunWithItsTimeline) {
  const auto pod = ready_pod();
  const auto d = decide(row(state_name::starting), &pod, now);
  ASSERT_TRUE(d.write && d.write->state);
  EXPECT_EQ(d.write->state->state, state_name::running);
  EXPECT_EQ(d.write->state->ip, "127.16.0.1");
  EXPECT_EQ(d.write->fence, 5);
  EXPECT_EQ(d.write->only_from, std::vector{state_name::starting});
  std::set<start_phase> phases;
  for (const auto& [phase, time] : d.write->timeline) phases.insert(phase);
  EXPECT_EQ(phases, (std::set{start_phase::scheduled, start_phase::started, start_phase::ready}))
      << "when the image came is not known by then";
}

TEST(Decide, TheImageIsThereWhenTheContainerStatusSaysSo) {
  auto pod = waiting_pod("ContainerCreating");
  EXPECT_FALSE(pod.image_here);
  pod.image_here = true;
  pod.fence = 5;
  const auto d = decide(row(state_name::starting), &pod, now);
  ASSERT_TRUE(d.write);
  EXPECT_EQ(d.write->timeline.back(), std::pair(start_phase::pulled, now));
}

TEST(Decide, NothingIsWrittenWhenTheRowSaysItAlready) {
  const auto pod = ready_pod("4");
  auto r = row(state_name::running, std::nullopt);
  r.state.ip = pod.ip;
  EXPECT_FALSE(decide(r, &pod, now).write);
}

TEST(Decide, APodThatIsGoneOpensTheProject) {
  for (auto state : {state_name::running, state_name::starting, state_name::pending, state_name::stopping}) {
    const auto d = decide(row(state), nullptr, now);
    ASSERT_TRUE(d.write && d.write->state);
    EXPECT_EQ(d.write->state->state, state_name::opened);
    EXPECT_FALSE(d.write->state->error.empty()) << "people are told that it was not them";
  }
  const auto stopped = decide(row(state_name::stopping, action_name::stop), nullptr, now);
  ASSERT_TRUE(stopped.write && stopped.write->state);
  EXPECT_TRUE(stopped.write->state->error.empty());
  EXPECT_FALSE(decide(row(state_name::opened), nullptr, now).write);
}

TEST(Decide, AStartThatIsStillBeingMadeIsLeftAlone) {
  EXPECT_FALSE(decide(row(state_name::starting, action_name::start, std::nullopt), nullptr, now).write);
  const auto fresh = decide(row(state_name::starting, action_name::start, now - 1s), nullptr, now);
  EXPECT_FALSE(fresh.write) << "our cache may not know the pod yet";
  EXPECT_EQ(fresh.look_again, 9s);
}

TEST(Decide, ThePodOfTheRunBeforeIsNotTheNewOne) {
  const auto old = ready_pod("3");
  EXPECT_FALSE(decide(row(state_name::starting, action_name::restart, std::nullopt), &old, now).write);
  const auto just_made = decide(row(state_name::starting, action_name::restart, now - 100ms), &old, now);
  EXPECT_FALSE(just_made.write);
  EXPECT_TRUE(just_made.look_again);
  const auto adopted = decide(row(state_name::starting, action_name::start, now - 10s), &old, now);
  ASSERT_TRUE(adopted.write) << "a pod that a start found and kept";
  EXPECT_EQ(adopted.write->state->state, state_name::running);
  EXPECT_TRUE(adopted.write->timeline.empty()) << "its times belong to another start";
}

TEST(Decide, AStopIsNotUndoneByAPodThatStillLooksAlive) {
  const auto pod = ready_pod("4");
  EXPECT_FALSE(decide(row(state_name::stopping, action_name::stop, std::nullopt), &pod, now).write);
  EXPECT_FALSE(decide(row(state_name::stopping, action_name::stop, now - 1s), &pod, now).write);
  const auto failed = decide(row(state_name::stopping, action_name::stop, now - 1min), &pod, now);
  ASSERT_TRUE(failed.write) << "the stop did not work: it runs";
  EXPECT_EQ(failed.write->state->state, state_name::running);
  EXPECT_TRUE(failed.give_up) << "and is stopped again";
}

TEST(Decide, ATerminatingPodIsStopping) {
  auto pod = ready_pod();
  pod.terminating = true;
  const auto d = decide(row(state_name::running), &pod, now);
  ASSERT_TRUE(d.write && d.write->state);
  EXPECT_EQ(d.write->state->state, state_name::stopping);
}

TEST(Decide, AnEvictedPodOpensTheProjectWithTheReason) {
  const auto pod = *view_of(pod_json({{"phase", "Failed"}, {"reason", "Evicted"}}));
  const auto d = decide(row(state_name::running), &pod, now);
  ASSERT_TRUE(d.write && d.write->state);
  EXPECT_EQ(d.write->state->state, state_name::opened);
  EXPECT_NE(d.write->state->error.find("ran short of memory or disk"), std::string::npos);
}

TEST(Decide, FailuresToStartAreNamedAndFailTheTimelineWhenFinal) {
  for (std::string_view reason :
       {"ImagePullBackOff", "CrashLoopBackOff", "InvalidImageName", "CreateContainerConfigError"}) {
    const auto pod = waiting_pod(reason);
    const auto d = decide(row(state_name::starting), &pod, now);
    ASSERT_TRUE(d.write && d.write->state) << reason;
    EXPECT_EQ(d.write->timeline.back().first, start_phase::failed) << reason;
    EXPECT_EQ(d.write->failure_reason, d.write->state->error);
  }
  const auto first_try = waiting_pod("ErrImagePull");
  const auto d = decide(row(state_name::starting), &first_try, now);
  EXPECT_TRUE(d.write->timeline.empty()) << "it may still come";
  EXPECT_FALSE(d.write->state->error.empty());
}

TEST(Decide, NoRoomIsPendingNotFailed) {
  const auto pod = *view_of(pod_json(
      {{"phase", "Pending"},
       {"conditions", json::array{{{"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}}}}}));
  const auto d = decide(row(state_name::starting), &pod, now);
  ASSERT_TRUE(d.write && d.write->state);
  EXPECT_EQ(d.write->state->state, state_name::pending);
  EXPECT_TRUE(d.write->failure_reason.empty());
}

pod_view without_room(std::string_view message, domain::timestamp since) {
  auto pod = *view_of(pod_json(
      {{"phase", "Pending"},
       {"conditions",
        json::array{
            {{"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}, {"message", message}}}}}));
  pod.waiting_since = since;
  return pod;
}

TEST(Decide, WhyThereIsNoRoomIsToldInWords) {
  const auto told = [](std::string_view message) { return trouble_of(without_room(message, now)).sentence; };
  EXPECT_NE(told("0/2 nodes are available: 2 Insufficient memory.").find("memory"), std::string::npos);
  EXPECT_NE(told("0/2 nodes are available: 2 Insufficient cpu.").find("processor"), std::string::npos);
  EXPECT_NE(told("0/1 nodes are available: 1 node(s) had untolerated taint {secret: x}.").find("none is open"),
            std::string::npos);
  EXPECT_NE(told("pod has unbound immediate PersistentVolumeClaims").find("storage"), std::string::npos);
  EXPECT_NE(told("").find("No machine has room"), std::string::npos);
  EXPECT_EQ(told("1 node(s) had untolerated taint {secret: x}").find("secret"), std::string::npos);
}

TEST(Decide, NobodyWaitsForRoomForEver) {
  const auto early = without_room("2 Insufficient cpu", now - 1min),
             late = without_room("2 Insufficient cpu", now - 10min);
  auto r = row(state_name::starting, domain::action_name::start, now - 10min);
  auto d = decide(r, &early, now);
  EXPECT_FALSE(d.give_up);
  EXPECT_EQ(d.look_again, 9min) << "although nothing changes until then";
  ASSERT_TRUE(d.write && d.write->state);
  r.state = *d.write->state;
  d = decide(r, &late, now);
  EXPECT_TRUE(d.give_up);
  ASSERT_TRUE(d.write);
  EXPECT_EQ(d.write->timeline.back().first, start_phase::failed);
  EXPECT_NE(d.write->failure_reason.find("processor"), std::string::npos);
}

TEST(Decide, NobodyWaitsForAContainerOrACrashLoopForEver) {
  for (std::string_view reason :
       {"ContainerCreating", "CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError"}) {
    auto pod = waiting_pod(reason);
    pod.waiting_since = now - 9min;
    const auto r = row(state_name::starting, action_name::start, now - 20min);
    auto d = decide(r, &pod, now);
    EXPECT_FALSE(d.give_up) << reason;
    EXPECT_EQ(d.look_again, 1min) << reason;
    pod.waiting_since = now - 10min;
    d = decide(r, &pod, now);
    EXPECT_TRUE(d.give_up) << reason;
    ASSERT_TRUE(d.write) << reason;
    EXPECT_NE(d.write->failure_reason.find("given up after ten minutes. The project's"), std::string::npos) << reason;
    const auto failures = std::count_if(d.write->timeline.begin(), d.write->timeline.end(),
                                        [](const auto& p) { return p.first == start_phase::failed; });
    EXPECT_EQ(failures, 1) << reason;
  }
}

TEST(Decide, ARunningProjectIsToldOfItsCrashLoopBeforeItIsGivenUp) {
  auto pod = waiting_pod("CrashLoopBackOff");
  pod.waiting_since = now - 30min;  // nobody led meanwhile
  auto r = row(state_name::running);
  auto d = decide(r, &pod, now);
  EXPECT_FALSE(d.give_up);
  EXPECT_TRUE(d.look_again);
  ASSERT_TRUE(d.write && d.write->state);
  r.state = *d.write->state;
  EXPECT_TRUE(decide(r, &pod, now).give_up);
}

TEST(Decide, ASlowImageHasAnHour) {
  auto pod = waiting_pod("ContainerCreating");
  pod.waiting_since = now - 20min;
  const auto r = row(state_name::starting, action_name::start, now - 20min);
  const auto d = decide(r, &pod, now, "Pulling");
  EXPECT_FALSE(d.give_up);
  ASSERT_TRUE(d.write && d.write->state);
  EXPECT_NE(d.write->state->error.find("being loaded"), std::string::npos);
  EXPECT_TRUE(decide(r, &pod, now + 40min, "Pulling").give_up);
  EXPECT_TRUE(decide(r, &pod, now, "FailedMount").give_up);
  EXPECT_FALSE(decide(r, &pod, now, events_not_read).give_up);
}

TEST(PodView, KnowsSinceWhenItWaits) {
  auto pod = pod_json(
      {{"phase", "Running"},
       {"conditions",
        json::array{{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", "2026-11-24T09:30:00Z"}},
                    {{"type", "Ready"}, {"status", "False"}, {"lastTransitionTime", "2026-11-24T09:50:00Z"}}}}});
  pod.at("metadata").as_object()["creationTimestamp"] = "2026-11-24T09:00:00Z";
  EXPECT_EQ(view_of(pod)->waiting_since, domain::parse_timestamp("2026-11-24T09:50:00Z").value());
  pod.at("status").as_object().erase("conditions");
  EXPECT_EQ(view_of(pod)->waiting_since, domain::parse_timestamp("2026-11-24T09:00:00Z").value());
}

TEST(Decide, ABusyServerStillRuns) {
  auto pod = ready_pod();
  pod.ready = false;
  auto r = row(state_name::running);
  r.state.ip = pod.ip;
  const auto d = decide(r, &pod, now);
  EXPECT_TRUE(!d.write || !d.write->state);
}

TEST(Decide, ARestartForLackOfMemoryIsTold) {
  auto pod = ready_pod();
  pod.last_reason = "OOMKilled";
  pod.last_finished = now - 1min;
  auto d = decide(row(state_name::running), &pod, now);
  ASSERT_TRUE(d.write && d.write->state);
  EXPECT_NE(d.write->state->error.find("memory"), std::string::npos);
  EXPECT_TRUE(d.look_again) << "to take the remark away again";
  EXPECT_TRUE(remark_of(pod, now + 10min).empty());
}

TEST(Trouble, CrashLoopsSayHowOftenAndWhy) {
  const auto t = trouble_of(waiting_pod("CrashLoopBackOff", {{"terminated", {{"exitCode", 3}}}}, 4));
  EXPECT_NE(t.sentence.find("exit code 3"), std::string::npos);
  EXPECT_NE(t.sentence.find("4 times"), std::string::npos);
  const auto oom =
      trouble_of(waiting_pod("CrashLoopBackOff", {{"terminated", {{"exitCode", 137}, {"reason", "OOMKilled"}}}}, 4));
  EXPECT_NE(oom.sentence.find("memory"), std::string::npos);
  EXPECT_TRUE(trouble_of(waiting_pod("ContainerCreating")).sentence.empty());
  EXPECT_NE(trouble_of(waiting_pod("ContainerCreating"), "FailedMount").sentence.find("files"), std::string::npos);
  EXPECT_NE(trouble_of(waiting_pod("PodInitializing"), "FailedCreatePodSandBox").sentence.find("container"),
            std::string::npos);
  EXPECT_TRUE(trouble_of(ready_pod(), "FailedMount").sentence.empty());
}

TEST(Report, ReadsWhatAProjectSaysAndTrustsNothing) {
  const auto r =
      parse_report(R"({"last_activity":1700000000000,"memory_bytes":1048576,"cpu_seconds":2.5})", now).value();
  EXPECT_EQ(r.memory_bytes, 1048576);
  EXPECT_EQ(r.cpu_seconds, 2.5);
  EXPECT_EQ(r.last_activity.time_since_epoch().count(), 1700000000000);
  EXPECT_EQ(parse_report(R"({"last_activity":99999999999999})", now)->last_activity, now) << "not in the future";
  EXPECT_EQ(parse_report(R"({"last_activity":-5,"memory_bytes":-1,"cpu_seconds":"x"})", now)->memory_bytes, 0);
  EXPECT_EQ(parse_report("[]", now)->cpu_seconds, 0);
  EXPECT_FALSE(parse_report("nope", now));
}

}  // namespace
}  // namespace atrium::manage_state
