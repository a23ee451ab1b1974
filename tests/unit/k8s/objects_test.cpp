#include "atrium/k8s/objects.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "atrium/k8s/exec_protocol.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/k8s/resource.hpp"
#include "atrium/k8s/status.hpp"

namespace atrium::k8s {
namespace {

using namespace std::chrono_literals;

TEST(Resource, PathsOfCoreGroupAndClusterKinds) {
  EXPECT_EQ(resources::pods.collection_path("a"), "/api/v1/namespaces/a/pods");
  EXPECT_EQ(resources::pods.collection_path(""), "/api/v1/pods");
  EXPECT_EQ(resources::pods.object_path("a", "p", "log"), "/api/v1/namespaces/a/pods/p/log");
  EXPECT_EQ(resources::nodes.object_path("ignored", "n"), "/api/v1/nodes/n");
  EXPECT_EQ(resources::leases.object_path("a", "l"), "/apis/coordination.k8s.io/v1/namespaces/a/leases/l");
  EXPECT_EQ(resources::pods.object_path("a", "../secrets/x").find("../"), std::string::npos);
}

TEST(Objects, ReadsThePodsFieldsThatWeUse) {
  const auto p = parse_pod(parse_json(R"({
    "metadata":{"name":"p","namespace":"n","uid":"u","resourceVersion":"5","labels":{"run":"project","bad":7},"deletionTimestamp":"2026-11-24T10:00:00Z"},
    "spec":{"nodeName":"node1"},
    "status":{"phase":"Running","podIP":"10.1.2.3","startTime":"2026-11-24T09:00:00Z",
      "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-11-24T09:00:02Z"},{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"no cpu"}],
      "containerStatuses":[{"name":"project","ready":true,"restartCount":2,"state":{"running":{"startedAt":"2026-11-24T09:00:01Z"}},
        "lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","signal":9}}}]}})")
                               .value());
  EXPECT_EQ(p.meta.key(), "n/p");
  EXPECT_EQ(p.meta.labels.size(), 1u);
  EXPECT_TRUE(p.meta.deleted);
  EXPECT_EQ(p.pod_ip, "10.1.2.3");
  EXPECT_TRUE(p.is_condition("Ready"));
  EXPECT_EQ(p.find_condition("PodScheduled")->reason, "Unschedulable");
  ASSERT_EQ(p.containers.size(), 1u);
  EXPECT_EQ(p.containers[0].state.what, container_state::kind::running);
  EXPECT_EQ(p.containers[0].last_state.reason, "OOMKilled");
  EXPECT_EQ(p.containers[0].last_state.exit_code, 137);
}

TEST(Objects, WrongTypesAreEmptyFields) {
  for (
      const char* text :
      {"null", "[]", "\"x\"", R"({"metadata":7,"status":[],"spec":"x"})",
       R"({"metadata":{"name":{},"labels":[1]},"status":{"conditions":[1,null],"containerStatuses":{"a":1},"podIP":5}})"}) {
    const auto value = parse_json(text).value();
    const auto p = parse_pod(value);
    EXPECT_EQ(p.meta.name, "");
    EXPECT_EQ(p.pod_ip, "");
    parse_node(value);
    parse_secret(value);
    parse_lease(value);
    parse_event(value);
    parse_configmap(value);
  }
}

TEST(Objects, SecretsAreDecoded) {
  const auto s = parse_secret(parse_json(R"({"metadata":{"name":"s"},"data":{"a":"aGk=","b":"%%%"}})").value());
  EXPECT_EQ(s.data.size(), 1u);
  EXPECT_EQ(s.data.at("a"), "hi");
}

TEST(Time, ReadsAndWritesRfc3339) {
  const auto t = parse_time("2026-11-24T10:00:00.123456Z");
  ASSERT_TRUE(t);
  EXPECT_EQ(format_micros(*t), "2026-11-24T10:00:00.123456Z");
  EXPECT_EQ(format_millis(*t), "2026-11-24T10:00:00.123Z");
  EXPECT_EQ(format_seconds(*t), "2026-11-24T10:00:00Z");
  EXPECT_EQ(*parse_time("2026-11-24T12:30:00+02:30"), *parse_time("2026-11-24T10:00:00Z"));
  for (const char* bad :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-24T10:00:00", "2026-11-24T10:00:00.Z",
        "2026-11-24T10:00:00Zx", "2026-11-24T25:00:00Z", "8305-01-01T00:00:00Z", "0001-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

TEST(Base64, RoundTripsAndRefuses) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff", 2)})
    EXPECT_EQ(decode_base64(encode_base64(text)).value(), text);
  EXPECT_FALSE(decode_base64("abc"));
  EXPECT_FALSE(decode_base64("a$c="));
}

TEST(Yaml, KeepsQuotedScalarsAsText) {
  const auto v =
      parse_yaml("a: 1\nb: \"1\"\nc: true\nd: 'true'\ne: ~\nf: [x, 2.5]\ng: -3\nh: 10.1.2.3\ni: {j: k}\n").value();
  EXPECT_EQ(boost::json::serialize(v),
            R"({"a":1,"b":"1","c":true,"d":"true","e":null,"f":["x",2.5E0],"g":-3,"h":"10.1.2.3","i":{"j":"k"}})");
  EXPECT_FALSE(parse_yaml("a: [1"));
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c)
    bomb += std::string(1, c) + ": &" + c + " [" + [&] {
      std::string r;
      for (int i = 0; i < 10; ++i) r += std::string(i ? ",*" : "*") + char(c - 1);
      return r;
    }() + "]\n";
  EXPECT_FALSE(parse_yaml(bomb)) << "aliases that multiply";
}

TEST(Status, DispositionsAndCodes) {
  EXPECT_EQ(error_of_status(404, "{}").disposition(), disposition::not_found);
  EXPECT_EQ(error_of_status(409, R"({"reason":"AlreadyExists"})").code(), code_exists);
  EXPECT_EQ(error_of_status(409, R"({"reason":"Conflict"})").code(), code_conflict);
  EXPECT_EQ(error_of_status(410, "").code(), code_gone);
  EXPECT_EQ(error_of_status(422, "").disposition(), disposition::invalid);
  EXPECT_EQ(error_of_status(429, "").disposition(), disposition::overloaded);
  EXPECT_EQ(error_of_status(401, "").disposition(), disposition::unauthenticated);
  const auto quota = error_of_status(403, R"({"message":"pods \"x\" is forbidden: exceeded quota: q"})");
  EXPECT_EQ(quota.code(), code_quota);
  EXPECT_EQ(quota.public_text().find("forbidden"), std::string::npos) << "the server's text is not for people";
  EXPECT_NE(quota.peer_text().find("exceeded quota"), std::string::npos);
  EXPECT_EQ(parse_retry_after("5"), 5s);
  EXPECT_EQ(parse_retry_after("99999"), 60s);
  EXPECT_FALSE(parse_retry_after("soon"));
  EXPECT_FALSE(parse_retry_after("-1"));
}

TEST(ExecProtocol, Frames) {
  EXPECT_EQ(decode_exec_frame(std::string("\1out", 4))->data, "out");
  EXPECT_EQ(decode_exec_frame(std::string("\xff\0", 2))->channel, exec_channel::close);
  EXPECT_FALSE(decode_exec_frame(""));
  EXPECT_FALSE(decode_exec_frame("\7x"));
  EXPECT_EQ(encode_exec_close(exec_channel::input), std::string("\xff\0", 2));
  EXPECT_EQ(encode_exec_resize(80, 24).substr(1), R"({"Width":80,"Height":24})");
}

TEST(ExecProtocol, ExitCodes) {
  EXPECT_EQ(parse_exec_status(R"({"status":"Success"})").exit_code, 0);
  EXPECT_EQ(
      parse_exec_status(
          R"({"status":"Failure","reason":"NonZeroExitCode","message":"m","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})")
          .exit_code,
      3);
  EXPECT_EQ(parse_exec_status(R"({"status":"Failure","reason":"InternalError","message":"no such file"})").exit_code,
            126);
  EXPECT_EQ(parse_exec_status("garbage").exit_code, 126);
}

}  // namespace
}  // namespace atrium::k8s
