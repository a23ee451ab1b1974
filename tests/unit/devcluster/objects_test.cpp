#include "tests/unit/devcluster/fixture.hpp"

namespace atrium::devcluster {

TEST(Objects, CreationFillsInWhatTheServerKnows) {
  cluster c;
  const auto pod = c.ok("POST", pods_path, pod_text("a"));
  EXPECT_EQ(text_at(pod, {"metadata", "namespace"}), "default");
  EXPECT_EQ(text_at(pod, {"metadata", "uid"}).size(), 36u);
  EXPECT_EQ(text_at(pod, {"metadata", "creationTimestamp"}), "2027-01-15T08:00:00Z");
  EXPECT_EQ(text_at(pod, {"spec", "restartPolicy"}), "Always");
  EXPECT_EQ(int_at(pod, {"spec", "terminationGracePeriodSeconds"}), 30);
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Pending");
  EXPECT_EQ(array_at(pod, {"spec", "tolerations"}).size(), 2u);
  EXPECT_EQ(c.refused(409, "POST", pods_path, pod_text("a")), "AlreadyExists");
}

TEST(Objects, EachWriteTakesTheNextResourceVersion) {
  cluster c;
  const auto before = c.store.current();
  c.ok("POST", config_path, R"({"metadata":{"name":"a"},"data":{"x":"1"}})");
  c.ok("PATCH", config_path + "/a", R"({"data":{"x":"2"}})", merge_type);
  EXPECT_EQ(c.store.current(), before + 2);
  c.ok("PATCH", config_path + "/a", R"({"data":{"x":"2"}})", merge_type);  // changes nothing
  EXPECT_EQ(c.store.current(), before + 2);
}

TEST(Objects, GenerateNameMakesANewNameEachTime) {
  cluster c;
  const std::string body = R"({"metadata":{"generateName":"job-"}})";
  const auto a = c.ok("POST", config_path, body), b = c.ok("POST", config_path, body);
  EXPECT_TRUE(text_at(a, {"metadata", "name"}).starts_with("job-"));
  EXPECT_NE(text_at(a, {"metadata", "name"}), text_at(b, {"metadata", "name"}));
}

TEST(Objects, AStaleVersionIsRefused) {
  cluster c;
  auto first = c.ok("POST", config_path, R"({"metadata":{"name":"a"},"data":{"x":"1"}})");
  set_at(first, {"data", "x"}, "2");
  const auto text = json::serialize(first);
  c.ok("PUT", config_path + "/a", text);
  set_at(first, {"data", "x"}, "3");
  EXPECT_EQ(c.refused(409, "PUT", config_path + "/a", json::serialize(first)), "Conflict");
  EXPECT_EQ(c.refused(409, "PATCH", config_path + "/a", R"({"metadata":{"resourceVersion":"1"},"data":{"x":"9"}})",
                      merge_type),
            "Conflict");
  EXPECT_EQ(c.refused(409, "DELETE", config_path + "/a", R"({"preconditions":{"uid":"another"}})"), "Conflict");
}

TEST(Objects, WhatIsWrongIsSaid) {
  cluster c;
  EXPECT_EQ(c.refused(400, "POST", pods_path, "{"), "BadRequest");
  EXPECT_EQ(c.refused(400, "POST", pods_path, "[]"), "BadRequest");
  EXPECT_EQ(c.refused(400, "POST", pods_path, R"({"metadata":{"name":"a"},"spec":{"containers":"x"}})"), "BadRequest");
  EXPECT_EQ(c.refused(422, "POST", pods_path, R"({"metadata":{"name":"a"},"spec":{"containers":[]}})"), "Invalid");
  EXPECT_EQ(c.refused(422, "POST", config_path, R"({"metadata":{"name":"Not A Name"}})"), "Invalid");
  EXPECT_EQ(c.refused(404, "POST", "/api/v1/namespaces/nowhere/configmaps", R"({"metadata":{"name":"a"}})"),
            "NotFound");
  EXPECT_EQ(c.refused(404, "GET", pods_path + "/none"), "NotFound");
  EXPECT_EQ(c.refused(404, "GET", "/apis/apps/v1/deployments"), "NotFound");
  EXPECT_EQ(c.refused(405, "PUT", config_path), "MethodNotAllowed");
  EXPECT_EQ(c.refused(415, "PATCH", config_path + "/a", "{}", "application/json"), "UnsupportedMediaType");
  EXPECT_EQ(c.refused(400, "POST", pods_path + "?fieldValidation=Strict",
                      R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"m","image":"i","comand":["x"]}]}})"),
            "BadRequest");
  EXPECT_EQ(c.answer("POST", pods_path,
                     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"m","image":"i","comand":["x"]}]}})")
                .warnings,
            std::vector<std::string>{R"(unknown field "spec.containers[0].comand")"});
}

TEST(Objects, ADryRunChangesNothing) {
  cluster c;
  const auto before = c.store.current();
  EXPECT_EQ(text_at(c.ok("POST", config_path + "?dryRun=All", R"({"metadata":{"name":"a"}})"), {"metadata", "name"}),
            "a");
  EXPECT_EQ(c.store.current(), before);
  EXPECT_EQ(c.refused(404, "GET", config_path + "/a"), "NotFound");
}

TEST(Objects, StatusIsWrittenApartFromTheRest) {
  cluster c;
  c.ok("POST", pods_path, pod_text("a"));
  c.ok("PATCH", pods_path + "/a/status", R"({"status":{"phase":"Running"},"spec":{"nodeName":"n"}})", merge_type);
  auto pod = c.ok("GET", pods_path + "/a");
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Running");
  EXPECT_EQ(text_at(pod, {"spec", "nodeName"}), "");
  c.ok("PATCH", pods_path + "/a", R"({"status":{"phase":"Failed"},"metadata":{"labels":{"x":"y"}}})", merge_type);
  pod = c.ok("GET", pods_path + "/a");
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Running");
  EXPECT_EQ(text_at(pod, {"metadata", "labels", "x"}), "y");
}

TEST(Objects, APodsSpecIsFrozen) {
  cluster c;
  c.ok("POST", pods_path, pod_text("a"));
  EXPECT_EQ(c.refused(422, "PATCH", pods_path + "/a", R"({"spec":{"restartPolicy":"Never"}})", merge_type), "Invalid");
  c.ok("PATCH", pods_path + "/a", R"({"spec":{"containers":[{"name":"main","image":"other"}]}})", strategic_type);
}

TEST(Deletion, APodOnANodeLeavesWithGrace) {
  cluster c;
  c.ok("POST", pods_path, pod_text("a"));
  c.objects.modify(kinds::pods(), "default", "a", "", [](json::value& p) { set_at(p, {"spec", "nodeName"}, "n"); });
  const auto leaving = c.ok("DELETE", pods_path + "/a", R"({"gracePeriodSeconds":5})");
  EXPECT_EQ(text_at(leaving, {"metadata", "deletionTimestamp"}), "2027-01-15T08:00:05Z");
  EXPECT_EQ(int_at(leaving, {"metadata", "deletionGracePeriodSeconds"}), 5);
  const std::string uid(text_at(leaving, {"metadata", "uid"}));
  c.objects.finish_deletion(kinds::pods(), "default", "a", "another");
  c.ok("GET", pods_path + "/a");
  c.objects.finish_deletion(kinds::pods(), "default", "a", uid);
  EXPECT_EQ(c.refused(404, "GET", pods_path + "/a"), "NotFound");
}

TEST(Deletion, FinalizersHoldAnObject) {
  cluster c;
  c.ok("POST", config_path, R"({"metadata":{"name":"a","finalizers":["x/y"]}})");
  c.ok("DELETE", config_path + "/a");
  c.ok("GET", config_path + "/a");
  c.ok("PATCH", config_path + "/a", R"({"metadata":{"finalizers":null}})", merge_type);
  EXPECT_EQ(c.refused(404, "GET", config_path + "/a"), "NotFound");
}

TEST(Deletion, ANamespaceTakesItsObjectsAlong) {
  cluster c;
  c.ok("POST", "/api/v1/namespaces", R"({"metadata":{"name":"n"}})");
  c.ok("POST", "/api/v1/namespaces/n/configmaps", R"({"metadata":{"name":"a"}})");
  c.ok("POST", "/api/v1/namespaces/n/pods", pod_text("p"));
  c.objects.modify(kinds::pods(), "n", "p", "", [](json::value& p) { set_at(p, {"spec", "nodeName"}, "x"); });
  c.ok("DELETE", "/api/v1/namespaces/n");
  EXPECT_EQ(text_at(c.ok("GET", "/api/v1/namespaces/n"), {"status", "phase"}), "Terminating");
  EXPECT_EQ(c.refused(403, "POST", "/api/v1/namespaces/n/configmaps", R"({"metadata":{"name":"b"}})"), "Forbidden");
  const auto pod = c.ok("GET", "/api/v1/namespaces/n/pods/p");
  c.objects.finish_deletion(kinds::pods(), "n", "p", text_at(pod, {"metadata", "uid"}));
  EXPECT_EQ(c.refused(404, "GET", "/api/v1/namespaces/n"), "NotFound");
}

TEST(Deletion, ACollectionBySelector) {
  cluster c;
  for (const std::string name : {"a", "b", "c"})
    c.ok("POST", pods_path, pod_text(name, name == "b" ? R"({"keep":"yes"})" : "{}"));
  c.ok("DELETE", pods_path + "?labelSelector=keep!=yes");
  const auto left = c.ok("GET", pods_path);
  ASSERT_EQ(array_at(left, {"items"}).size(), 1u);
  EXPECT_EQ(text_at(array_at(left, {"items"})[0], {"metadata", "name"}), "b");
}

}  // namespace atrium::devcluster
