#include "apps/devcluster/store/patch.hpp"
#include "tests/unit/devcluster/fixture.hpp"

namespace atrium::devcluster {

namespace {
json::value strategic(std::string_view target, std::string_view patch) {
  json::value v = json::parse(json::string_view(target.data(), target.size()));
  apply_strategic_patch(v, json::parse(json::string_view(patch.data(), patch.size()))).value();
  return v;
}
}  // namespace

TEST(JsonPatch, EveryOperation) {
  json::value v = json::parse(R"({"a":{"b":[1,2]},"c/d":1})");
  apply_json_patch(
      v,
      json::parse(
          R"([{"op":"add","path":"/a/b/1","value":9},{"op":"add","path":"/a/b/-","value":3},{"op":"test","path":"/c~1d","value":1},
    {"op":"replace","path":"/c~1d","value":2},{"op":"copy","from":"/a/b","path":"/e"},{"op":"move","from":"/c~1d","path":"/f"},{"op":"remove","path":"/a/b/0"}])"))
      .value();
  EXPECT_EQ(v, json::parse(R"({"a":{"b":[9,2,3]},"e":[1,9,2,3],"f":2})"));
}

TEST(JsonPatch, AllOrNothing) {
  const json::value before = json::parse(R"({"a":1})");
  for (const std::string bad :
       {R"([{"op":"add","path":"/b","value":1},{"op":"test","path":"/a","value":2}])",
        R"([{"op":"remove","path":"/x"}])", R"([{"op":"add","path":"/x/y","value":1}])",
        R"([{"op":"jump","path":"/a"}])", R"([{"op":"add","path":"a","value":1}])", R"({"op":"add"})",
        R"([{"op":"add","path":"/a~2","value":1}])", R"([1])", R"([{"op":"add","path":"/b"}])"}) {
    json::value v = before;
    EXPECT_FALSE(apply_json_patch(v, json::parse(bad)).has_value()) << bad;
    EXPECT_EQ(v, before);
  }
}

TEST(JsonPatch, CopiesOfCopiesAreBounded) {
  // 40 doublings of one number would be 10^12 of them.
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) patch += (i ? "," : "") + std::string(R"({"op":"copy","from":"/a","path":"/a/-"})");
  json::value v = json::parse(R"({"a":[1]})");
  const auto before = v;
  const auto done = apply_json_patch(v, json::parse(patch + "]"));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(reason_of(done.error()), "RequestEntityTooLarge");
  EXPECT_EQ(v, before);
}

TEST(JsonPatch, NothingBecomesDeeperThanCanBeReadBack) {
  const auto nested = [](int levels) {
    std::string text = "1";
    for (int i = 0; i < levels; ++i) text = R"({"a":)" + text + "}";
    return text;
  };
  cluster c;
  c.ok("POST", "/api/v1/nodes", R"({"metadata":{"name":"n"},"spec":{"configSource":)" + nested(20) + "}}");
  std::string path = "/spec/configSource";
  for (int i = 0; i < 20; ++i) path += "/a";
  const auto patch = [&](int levels) {
    return R"([{"op":"add","path":")" + path + R"(","value":)" + nested(levels) + "}]";
  };
  EXPECT_EQ(c.refused(400, "PATCH", "/api/v1/nodes/n", patch(11), json_patch_type), "BadRequest");
  const auto deepest = c.answer("PATCH", "/api/v1/nodes/n", patch(10), json_patch_type);
  EXPECT_EQ(deepest.status, 200u);
  EXPECT_NO_THROW(json::parse(deepest.body)) << "so it can be read from the journal";
}

TEST(JsonPatch, TestGuardsATaint) {
  cluster c;
  c.ok("POST", "/api/v1/nodes", R"({"metadata":{"name":"n"},"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}})");
  EXPECT_EQ(c.refused(422, "PATCH", "/api/v1/nodes/n",
                      R"([{"op":"test","path":"/spec/taints","value":[]},{"op":"remove","path":"/spec/taints"}])",
                      json_patch_type),
            "Invalid");
  c.ok("PATCH", "/api/v1/nodes/n",
       R"([{"op":"test","path":"/spec/taints/0/key","value":"k"},{"op":"remove","path":"/spec/taints"}])",
       json_patch_type);
}

TEST(MergePatch, NullRemoves) {
  json::value v = json::parse(R"({"a":{"b":1,"c":2},"l":[1,2]})");
  apply_merge_patch(v, json::parse(R"({"a":{"b":null,"d":{"e":null,"f":1}},"l":[3]})"));
  EXPECT_EQ(v, json::parse(R"({"a":{"c":2,"d":{"f":1}},"l":[3]})"));
}

TEST(StrategicPatch, ContainersMergeByName) {
  EXPECT_EQ(
      strategic(
          R"({"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"2"}]}})",
          R"({"spec":{"containers":[{"name":"a","image":"9","env":[{"name":"Y","value":"2"}]},{"$patch":"delete","name":"b"},{"name":"c","image":"3"}]}})"),
      json::parse(
          R"({"spec":{"containers":[{"name":"a","image":"9","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]},{"name":"c","image":"3"}]}})"));
}

TEST(StrategicPatch, ConditionsByTypeTaintsAsAWhole) {
  EXPECT_EQ(
      strategic(
          R"({"status":{"conditions":[{"type":"Ready","status":"False"},{"type":"X","status":"True"}]}})",
          R"({"status":{"$setElementOrder/conditions":[{"type":"X"},{"type":"Ready"}],"conditions":[{"type":"Ready","status":"True"}]}})"),
      json::parse(R"({"status":{"conditions":[{"type":"X","status":"True"},{"type":"Ready","status":"True"}]}})"));
  EXPECT_EQ(strategic(R"({"spec":{"taints":[{"key":"a"},{"key":"b"}]}})", R"({"spec":{"taints":[{"key":"c"}]}})"),
            json::parse(R"({"spec":{"taints":[{"key":"c"}]}})"));
}

TEST(StrategicPatch, Directives) {
  EXPECT_EQ(
      strategic(
          R"({"metadata":{"labels":{"a":"1","b":"2"},"finalizers":["x","y"]}})",
          R"({"metadata":{"labels":{"$patch":"replace","c":"3"},"$deleteFromPrimitiveList/finalizers":["x"],"finalizers":["z"]}})"),
      json::parse(R"({"metadata":{"labels":{"c":"3"},"finalizers":["y","z"]}})"));
  EXPECT_EQ(
      strategic(R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
                R"({"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/p"}}]}})"),
      json::parse(R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/p"}}]}})"));
  json::value v = json::object();
  EXPECT_FALSE(apply_strategic_patch(v, json::parse(R"({"spec":{"containers":[{"image":"x"}]}})")).has_value());
}

TEST(Apply, FieldsBelongToWhoAppliedThem) {
  cluster c;
  const std::string one = config_path + "/a?fieldManager=one", two = config_path + "/a?fieldManager=two";
  const auto body = [](const std::string& data) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":)" + data + "}";
  };
  EXPECT_EQ(c.answer("PATCH", one, body(R"({"x":"1","y":"1"})"), apply_type).status, 201u);
  c.ok("PATCH", two, body(R"({"z":"2","y":"1"})"), apply_type);  // sharing a field with the same value is fine
  EXPECT_EQ(c.refused(409, "PATCH", two, body(R"({"x":"2"})"), apply_type), "Conflict");
  auto now = c.ok("PATCH", one, body(R"({"y":"1"})"), apply_type);  // gives x up
  EXPECT_EQ(find(now, {"data", "x"}), nullptr);
  EXPECT_EQ(text_at(now, {"data", "z"}), "2");
  now = c.ok("PATCH", two + "&force=true", body(R"({"y":"7"})"), apply_type);
  EXPECT_EQ(text_at(now, {"data", "y"}), "7");
  EXPECT_EQ(c.refused(400, "PATCH", config_path + "/a", body("{}"), apply_type), "BadRequest");
}

TEST(Apply, ContainersOfAPod) {
  cluster c;
  const std::string at = pods_path + "/p?fieldManager=kubectl";
  c.answer(
      "PATCH", at,
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":"1","b":"1"}},"spec":{"containers":[{"name":"main","image":"1"}]}})",
      apply_type);
  const auto pod = c.ok(
      "PATCH", at,
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":"1"}},"spec":{"containers":[{"name":"main","image":"2"}]}})",
      apply_type);
  EXPECT_EQ(text_at(array_at(pod, {"spec", "containers"})[0], {"image"}), "2");
  EXPECT_EQ(find(pod, {"metadata", "labels", "b"}), nullptr);
}

}  // namespace atrium::devcluster
