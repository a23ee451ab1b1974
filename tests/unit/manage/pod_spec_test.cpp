#include "apps/manage-action/pod_spec.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/domain/project_pod.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::manage_action {
namespace {

namespace json = boost::json;
const auto project = domain::project_id::of("1f0e3dad-9990-4345-b743-9f8ffabdffc4");

constexpr std::string_view template_yaml = R"(
apiVersion: v1
kind: Pod
metadata:
  labels: {team: physics, run: other}
spec:
  terminationGracePeriodSeconds: 10
  nodeSelector: {cocalc-role: projects}
  containers:
    - name: datastore
      image: datastore:1
    - name: project
      env:
        - {name: LANG, value: C.UTF-8}
        - {name: HOME, value: /elsewhere}
      volumeMounts:
        - {name: home, mountPath: /home/user}
  volumes:
    - name: home
      hostPath: {path: "/data/${project_id}", type: DirectoryOrCreate}
)";

pod_request request() {
  return {
      .project = project,
      .name_space = "projects",
      .secret_token = "s3cret",
      .env_json = R"x({"A":"x $(HOME)","ATRIUM_PROJECT_SECRET":"mine","bad-name":"1","N":5})x",
      .project_tag = "t1",
      .quota = {.network = false, .memory_limit = 2000, .memory_request = 400, .cpu_limit = 1.5, .cpu_request = 0.05},
      .fence = 7,
      .requested = "2026-01-02T03:04:05.678Z"};
}

json::value build(std::string_view yaml, std::string image = "img:1") {
  return build_pod(k8s::parse_yaml(yaml).value(), std::move(image), request()).value();
}

TEST(PodSpec, GoldenPod) {
  const auto expected = json::parse(R"x({
    "apiVersion":"v1","kind":"Pod",
    "metadata":{
      "name":"project-1f0e3dad-9990-4345-b743-9f8ffabdffc4","namespace":"projects",
      "labels":{"team":"physics","run":"project","project_id":"1f0e3dad-9990-4345-b743-9f8ffabdffc4","project_tag":"t1","network":"false"},
      "annotations":{"atrium/fence":"7","atrium/requested":"2026-01-02T03:04:05.678Z","cluster-autoscaler.kubernetes.io/safe-to-evict":"false"}},
    "spec":{
      "terminationGracePeriodSeconds":10,
      "nodeSelector":{"cocalc-role":"projects"},
      "containers":[
        {"name":"datastore","image":"datastore:1"},
        {"name":"project","image":"img:1","command":["atrium","project"],
         "env":[{"name":"LANG","value":"C.UTF-8"},{"name":"HOME","value":"/home/user"},{"name":"A","value":"x $$(HOME)"},
                {"name":"ATRIUM_PROJECT_ID","value":"1f0e3dad-9990-4345-b743-9f8ffabdffc4"},{"name":"ATRIUM_PROJECT_SECRET","value":"s3cret"}],
         "ports":[{"name":"hub","containerPort":6000},{"name":"browser","containerPort":6001},{"name":"ssh","containerPort":2222}],
         "readinessProbe":{"httpGet":{"path":"/ready","port":6001},"periodSeconds":1},
         "resources":{"limits":{"cpu":"1500m","memory":"2000M"},"requests":{"cpu":"50m","memory":"400M"}},
         "volumeMounts":[{"name":"home","mountPath":"/home/user"}]
}],
      "volumes":[{"name":"home","hostPath":{"path":"/data/1f0e3dad-9990-4345-b743-9f8ffabdffc4","type":"DirectoryOrCreate"}}],
      "securityContext":{"runAsUser":2001,"runAsGroup":2001,"fsGroup":2001},
      "restartPolicy":"Always","automountServiceAccountToken":false,"enableServiceLinks":false
}
})x");
  const auto pod = build(template_yaml);
  EXPECT_EQ(pod, expected) << json::serialize(pod);
}

TEST(PodSpec, TheSmallestTemplateWorks) {
  const auto pod = build("spec: {containers: [{}]}");
  EXPECT_EQ(k8s::text_at(pod, {"kind"}), "Pod");
  EXPECT_EQ(pod.at("spec").at("containers").at(0).at("name"), "project");
}

TEST(PodSpec, TheTemplatesOwnImageServesWhenNoneIsChosen) {
  const auto pod = build("spec: {containers: [{name: project, image: own}]}", "");
  EXPECT_EQ(pod.at("spec").at("containers").at(0).at("image"), "own");
}

TEST(PodSpec, SaysWhatIsWrongWithATemplate) {
  for (std::string_view bad :
       {"[]", "text", "{}", "spec: 5", "spec: {containers: []}", "spec: {containers: {a: 1}}",
        "spec: {containers: [7]}", "metadata: x\nspec: {containers: [{image: i}]}", "spec: {containers: [{env: no}]}",
        "spec: {containers: [{resources: []}]}", "spec: {securityContext: 1, containers: [{image: i}]}"}) {
    auto pod = build_pod(k8s::parse_yaml(bad).value(), "img", request());
    ASSERT_FALSE(pod.has_value()) << bad;
    EXPECT_NE(pod.error().public_text().find("ConfigMap project-pod"), std::string::npos);
  }
  EXPECT_FALSE(build_pod(k8s::parse_yaml("spec: {containers: [{}]}").value(), "", request())) << "no image at all";
}

TEST(PodSpec, AnEnvironmentThatIsNoObjectIsIgnored) {
  auto r = request();
  for (const char* env : {"", "[]", "null", "{", "\"x\""}) {
    r.env_json = env;
    EXPECT_TRUE(build_pod(k8s::parse_yaml("spec: {containers: [{}]}").value(), "i", r)) << env;
  }
}

TEST(Images, ChoosesByEnvironment) {
  const image_table table{{"image", "registry/base"}, {"tag", "2026"}, {"image.sage", "registry/sage:10"}};
  EXPECT_EQ(choose_image(table, ""), "registry/base:2026");
  EXPECT_EQ(choose_image(table, "sage"), "registry/sage:10");
  EXPECT_EQ(choose_image(table, "gone"), "registry/base:2026");
  EXPECT_EQ(choose_image({{"image", "full:1"}}, ""), "full:1");
  EXPECT_EQ(choose_image({}, "x"), "");
}

TEST(ProjectPod, NamesGoBothWays) {
  EXPECT_EQ(domain::project_of_pod(domain::pod_name(project)).value(), project);
  for (std::string_view bad : {"", "project-", "project-x", "pod-1f0e3dad-9990-4345-b743-9f8ffabdffc4"})
    EXPECT_FALSE(domain::project_of_pod(bad));
}

TEST(ProjectPod, NamespacesAreFixedAndShared) {
  const std::vector<std::string> places{"a", "b", "c"};
  std::map<std::string, int> hits;
  for (int i = 0; i < 3000; ++i) ++hits[domain::pod_namespace(places, domain::project_id::make_random())];
  for (const auto& ns : places) EXPECT_GT(hits[ns], 800) << ns;
  EXPECT_EQ(domain::pod_namespace(places, project), domain::pod_namespace(places, project));
}

TEST(TagLabel, IsTheTagOfAnImageReference) {
  EXPECT_EQ(tag_label("atrium/project:local"), "local");
  EXPECT_EQ(tag_label("registry:5000/project:v7.1"), "v7.1");
  for (const std::string& none : {std::string("project"), std::string("registry:5000/project"), std::string("p:"),
                                  std::string("p:-x"), std::string("p@sha256:") + std::string(64, 'a')})
    EXPECT_EQ(tag_label(none), "") << none;
}

}  // namespace
}  // namespace atrium::manage_action
