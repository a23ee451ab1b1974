// The node's rules without processes: placing, environments, statuses, sandboxes.
#include <algorithm>

#include "apps/devcluster/agent/container_state.hpp"
#include "apps/devcluster/agent/environment.hpp"
#include "apps/devcluster/agent/events.hpp"
#include "apps/devcluster/agent/sandbox.hpp"
#include "apps/devcluster/agent/scheduler.hpp"
#include "tests/unit/devcluster/fixture.hpp"

namespace atrium::devcluster {

namespace {
json::value node_with(std::string_view spec) {
  return json::parse(
      R"({"metadata":{"labels":{"cocalc-role":"projects","n":"5"}},"status":{"allocatable":{"cpu":"2","memory":"4Gi"}},"spec":)" +
      std::string(spec) + "}");
}
json::value pod_with(std::string_view spec) { return json::parse(R"({"spec":)" + std::string(spec) + "}"); }
std::string why(const json::value& pod, const json::value& node, room used = {}) {
  const auto answer = fits(pod, node, used);
  return answer ? "" : answer.error().public_text();
}
}  // namespace

TEST(Placing, FollowsTaintsSelectorsAndRoom) {
  const auto plain = pod_with(R"({"containers":[{"resources":{"requests":{"cpu":"500m","memory":"1Gi"}}}]})");
  EXPECT_EQ(why(plain, node_with("{}")), "");
  EXPECT_EQ(why(plain, node_with("{}"), {.cpu = 1'600, .memory = 0}), "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(why(plain, node_with("{}"), {.cpu = 0, .memory = 3'500ll << 30}),
            "0/1 nodes are available: 1 Insufficient memory.");
  EXPECT_EQ(why(plain, node_with(R"({"unschedulable":true})")),
            "0/1 nodes are available: 1 node(s) were unschedulable.");
  const auto tainted = node_with(R"({"taints":[{"key":"cocalc-projects","value":"init","effect":"NoSchedule"}]})");
  EXPECT_EQ(why(plain, tainted), "0/1 nodes are available: 1 node(s) had untolerated taint {cocalc-projects: init}.");
  EXPECT_EQ(
      why(pod_with(
              R"({"tolerations":[{"key":"cocalc-projects","operator":"Equal","value":"init","effect":"NoSchedule"}]})"),
          tainted),
      "");
  EXPECT_EQ(why(pod_with(R"({"tolerations":[{"operator":"Exists"}]})"), tainted), "");
  EXPECT_NE(why(pod_with(R"({"tolerations":[{"key":"cocalc-projects","value":"other"}]})"), tainted), "");
  EXPECT_EQ(why(pod_with(R"({"nodeSelector":{"cocalc-role":"projects"}})"), node_with("{}")), "");
  EXPECT_NE(why(pod_with(R"({"nodeSelector":{"cocalc-role":"services"}})"), node_with("{}")), "");
  const auto affine = [](const std::string& expression) {
    return pod_with(
        R"({"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[)" +
        expression + "]}]}}}}");
  };
  EXPECT_EQ(
      why(affine(
              R"({"key":"cocalc-role","operator":"In","values":["x","projects"]},{"key":"n","operator":"Gt","values":["4"]})"),
          node_with("{}")),
      "");
  EXPECT_NE(why(affine(R"({"key":"cocalc-role","operator":"DoesNotExist"})"), node_with("{}")), "");
}

TEST(Environments, ReferencesAndTexts) {
  cluster c;
  c.ok("POST", config_path, R"({"metadata":{"name":"cm"},"data":{"k":"v","other":"w"}})");
  c.ok("POST", "/api/v1/namespaces/default/secrets", R"({"metadata":{"name":"s"},"stringData":{"password":"hidden"}})");
  const auto pod = json::parse(
      R"({"metadata":{"name":"p","namespace":"default","labels":{"a.b/c":"d"}},"status":{"podIP":"127.16.0.1"}})");
  const auto container = json::parse(
      R"j({"envFrom":[{"prefix":"C_","configMapRef":{"name":"cm"}},{"secretRef":{"name":"none","optional":true}}],"env":[
    {"name":"A","value":"1"},{"name":"B","value":"$(A)-$(NONE)-$$(A)"},{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
    {"name":"L","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['a.b/c']"}}},{"name":"S","valueFrom":{"secretKeyRef":{"name":"s","key":"password"}}},
    {"name":"O","valueFrom":{"configMapKeyRef":{"name":"cm","key":"gone","optional":true}}},{"name":"A","value":"2"}]})j");
  const auto env = environment_of(c.store, pod, container).value();
  EXPECT_EQ(env, (variables{{"C_k", "v"},
                            {"C_other", "w"},
                            {"A", "2"},
                            {"B", "1-$(NONE)-$(A)"},
                            {"IP", "127.16.0.1"},
                            {"L", "d"},
                            {"S", "hidden"}}));
  const auto missing = environment_of(
      c.store, pod, json::parse(R"({"env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"none","key":"k"}}}]})"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().public_text(), "secret \"none\" not found");
}

TEST(Statuses, PhaseAndConditionsFollowTheContainers) {
  container_state a{.name = "a"}, b{.name = "b"};
  auto pod = json::parse(R"({"spec":{"restartPolicy":"Always"}})");
  const auto t0 = std::chrono::system_clock::from_time_t(1'800'000'000);
  pod_picture picture{.init = {}, .containers = {&a, &b}, .address = "127.16.0.1", .started_at = t0};
  const auto condition = [&](std::string_view type) {
    for (const auto& c : array_at(pod, {"status", "conditions"}))
      if (text_at(c, {"type"}) == type)
        return std::string(text_at(c, {"status"})) + "@" + std::string(text_at(c, {"lastTransitionTime"}));
    return std::string();
  };
  write_status(pod, picture, t0);
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Pending");
  a.now = b.now = container_state::phase::running;
  a.ready = true;
  write_status(pod, picture, t0 + std::chrono::seconds(1));
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Running");
  EXPECT_EQ(condition("Ready"), "False@2027-01-15T08:00:00Z");
  b.ready = true;
  write_status(pod, picture, t0 + std::chrono::seconds(2));
  EXPECT_EQ(condition("Ready"), "True@2027-01-15T08:00:02Z");
  EXPECT_EQ(condition("PodScheduled"), "True@2027-01-15T08:00:00Z");
  b.now = container_state::phase::terminated;
  b.exit_code = 1;
  write_status(pod, picture, t0);
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Running") << "it will be started anew";
  a.now = container_state::phase::terminated;
  set_at(pod, {"spec", "restartPolicy"}, "Never");
  write_status(pod, picture, t0);
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Failed");
  b.exit_code = 0;
  write_status(pod, picture, t0);
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Succeeded");
}

TEST(Statuses, AnInitContainerThatFailedEndsThePod) {
  container_state first{.name = "first", .init = true, .now = container_state::phase::terminated, .exit_code = 2},
      main{.name = "main"};
  auto pod = json::parse(R"({"spec":{"restartPolicy":"Never"}})");
  write_status(pod, {.init = {&first}, .containers = {&main}, .address = {}, .started_at = {}}, {});
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Failed");
}

TEST(NodeEvents, RepetitionIsCounted) {
  cluster c;
  c.ok("POST", pods_path, pod_text("p"));
  const auto pod = c.store.get(kinds::pods(), "default", "p");
  event_recorder events(c.objects, "node");
  for (int i = 0; i < 3; ++i) events.emit(*pod, event_recorder::severity::warning, "BackOff", "again");
  events.emit(*pod, event_recorder::severity::normal, "Started", "once", "spec.containers{main}");
  const auto list = c.ok("GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=p,reason=BackOff");
  ASSERT_EQ(array_at(list, {"items"}).size(), 1u);
  EXPECT_EQ(int_at(array_at(list, {"items"})[0], {"count"}), 3);
}

TEST(Sandboxes, ShowTheSystemReadOnlyAndNoSecrets) {
  sandbox_spec spec{.hostname = "p",
                    .directory = "/home/user",
                    .mounts = {{"/s/home/sub", "/home/user/sub", false}, {"/s/home", "/home/user", false}},
                    .command = {"run", "--it"},
                    .status_fd = 7};
  const auto argv = bwrap_arguments(spec, [](const std::string&) { return true; });
  const auto at = [&](const std::string& word) { return std::find(argv.begin(), argv.end(), word) - argv.begin(); };
  EXPECT_LT(at("--unshare-all"), at("--"));
  EXPECT_LT(at("/home/user"), at("/home/user/sub")) << "outer mounts come first";
  for (const std::string secret : {"/etc/shadow", "/etc/passwd", "/etc/ssh", "/root", "/home", "/var", "/sys"})
    for (std::size_t i = 0; i + 1 < argv.size(); ++i)
      EXPECT_FALSE((argv[i] == "--ro-bind" || argv[i] == "--bind") && argv[i + 1] == secret) << secret;
  EXPECT_EQ(argv.back(), "--it");
}

}  // namespace atrium::devcluster
