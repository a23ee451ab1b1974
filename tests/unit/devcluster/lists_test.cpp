#include "apps/devcluster/api/table.hpp"
#include "tests/unit/devcluster/fixture.hpp"

namespace atrium::devcluster {

namespace {
std::string config(const std::string& name) { return R"({"metadata":{"name":")" + name + R"("}})"; }

std::string names(const json::value& list) {
  std::string out;
  for (const auto& item : array_at(list, {"items"})) out += std::string(text_at(item, {"metadata", "name"})) + " ";
  return out;
}
}  // namespace

TEST(Selectors, EqualityAndSets) {
  const json::object labels = {{"app", "web"}, {"tier", "front"}, {"n", "7"}};
  for (const std::string yes :
       {"", "app=web", "app==web", "app!=db", "app in (db, web)", "app notin (db)", "tier", "!gone", "gone!=x",
        "gone notin (x)", "app=web,tier in (front,back),!gone", "n>6", "n<8"})
    EXPECT_TRUE(label_selector::parse(yes).value().matches(labels)) << yes;
  for (const std::string no :
       {"app=db", "app in (db)", "app notin (web)", "!app", "gone", "gone in (x)", "n>7", "app=web,gone"})
    EXPECT_FALSE(label_selector::parse(no).value().matches(labels)) << no;
  for (const std::string bad : {"app in db", "app in (a", "a b", "=x", "app notin", ",", "n>x", "a)("})
    EXPECT_FALSE(label_selector::parse(bad).has_value()) << bad;
}

TEST(Selectors, FieldsThatTheKindHas) {
  const json::value pod =
      json::parse(R"({"metadata":{"name":"a","namespace":"d"},"status":{"phase":"Running"},"spec":{}})");
  const auto matches = [&](std::string_view text) {
    return field_selector::parse(text, kinds::pods()).value().matches(pod);
  };
  EXPECT_TRUE(matches("metadata.name=a,status.phase!=Failed"));
  EXPECT_TRUE(matches("spec.nodeName="));
  EXPECT_FALSE(matches("spec.nodeName=n"));
  EXPECT_FALSE(field_selector::parse("spec.containers=x", kinds::pods()).has_value());
  EXPECT_FALSE(field_selector::parse("metadata.name", kinds::pods()).has_value());
}

TEST(Lists, PagesShowOneVersion) {
  cluster c;
  for (const std::string name : {"a", "b", "c", "d", "e"}) c.ok("POST", config_path, config(name));
  const auto first = c.ok("GET", config_path + "?limit=2");
  EXPECT_EQ(names(first), "a b ");
  EXPECT_EQ(int_at(first, {"metadata", "remainingItemCount"}), 3);
  c.ok("DELETE", config_path + "/c");
  c.ok("POST", config_path, config("bb"));
  c.ok("PATCH", config_path + "/d", R"({"data":{"x":"new"}})", merge_type);
  const auto second =
      c.ok("GET", config_path + "?limit=2&continue=" + std::string(text_at(first, {"metadata", "continue"})));
  EXPECT_EQ(names(second), "c d ");
  EXPECT_EQ(text_at(second, {"metadata", "resourceVersion"}), text_at(first, {"metadata", "resourceVersion"}));
  EXPECT_EQ(find(array_at(second, {"items"})[1], {"data"}), nullptr);
  const auto last =
      c.ok("GET", config_path + "?limit=2&continue=" + std::string(text_at(second, {"metadata", "continue"})));
  EXPECT_EQ(names(last), "e ");
  EXPECT_EQ(find(last, {"metadata", "continue"}), nullptr);
}

TEST(Lists, AnExpiredPageIsTold) {
  cluster c(store_limits{.window_changes = 3});
  for (const std::string name : {"a", "b", "c"}) c.ok("POST", config_path, config(name));
  const auto first = c.ok("GET", config_path + "?limit=1");
  for (int i = 0; i < 5; ++i)
    c.ok("PATCH", config_path + "/a", R"({"data":{"x":")" + std::to_string(i) + R"("}})", merge_type);
  EXPECT_EQ(
      c.refused(410, "GET", config_path + "?limit=1&continue=" + std::string(text_at(first, {"metadata", "continue"}))),
      "Expired");
  EXPECT_EQ(c.refused(400, "GET", config_path + "?limit=1&continue=!!"), "BadRequest");
  EXPECT_EQ(c.refused(504, "GET", config_path + "?resourceVersion=99999"), "Timeout");
}

TEST(Lists, NamespacesAndSelectorsNarrow) {
  cluster c;
  c.ok("POST", "/api/v1/namespaces", R"({"metadata":{"name":"default2"}})");
  c.ok("POST", pods_path, pod_text("a", R"({"x":"1"})"));
  c.ok("POST", pods_path, pod_text("b"));
  c.ok("POST", "/api/v1/namespaces/default2/pods", pod_text("z"));
  EXPECT_EQ(names(c.ok("GET", "/api/v1/pods")), "a b z ");
  EXPECT_EQ(names(c.ok("GET", pods_path)), "a b ");
  EXPECT_EQ(names(c.ok("GET", pods_path + "?labelSelector=x")), "a ");
  EXPECT_EQ(names(c.ok("GET", "/api/v1/pods?fieldSelector=metadata.namespace=default2")), "z ");
}

TEST(Lists, TablesForKubectl) {
  cluster c;
  c.ok("POST", pods_path, pod_text("a"));
  const std::string accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  const auto table = json::parse(c.answer("GET", pods_path, "", "", accept).body);
  EXPECT_EQ(text_at(table, {"kind"}), "Table");
  const auto& row = array_at(table, {"rows"})[0];
  EXPECT_EQ(array_at(row, {"cells"}).size(), array_at(table, {"columnDefinitions"}).size());
  EXPECT_EQ(array_at(row, {"cells"})[1].as_string(), "0/1");
  EXPECT_EQ(text_at(row, {"object", "metadata", "name"}), "a");
  for (const auto& type : resource_types()) {
    const auto path =
        std::string(type.group.empty() ? "/api/v1/" : "/apis/coordination.k8s.io/v1/") + std::string(type.plural);
    const auto all = json::parse(c.answer("GET", path, "", "", accept).body);
    for (const auto& line : array_at(all, {"rows"})) EXPECT_FALSE(array_at(line, {"cells"}).empty());
  }
  EXPECT_EQ(human_duration(std::chrono::seconds(90)), "90s");
  EXPECT_EQ(human_duration(std::chrono::seconds(200)), "3m20s");
  EXPECT_EQ(human_duration(std::chrono::hours(50)), "2d2h");
}

TEST(Watches, TheWindowGivesEachChangeOnce) {
  cluster c(store_limits{.window_changes = 4});
  const auto start = c.store.current();
  c.ok("POST", config_path, config("a"));
  c.ok("PATCH", config_path + "/a", R"({"data":{"x":"1"}})", merge_type);
  c.ok("DELETE", config_path + "/a");
  std::vector<change_kind> seen;
  for (const auto* e = c.store.next_change(start); e; e = c.store.next_change(e->at())) seen.push_back(e->what);
  EXPECT_EQ(seen, (std::vector{change_kind::added, change_kind::modified, change_kind::deleted}));
  for (int i = 0; i < 4; ++i) c.ok("POST", config_path, config("b" + std::to_string(i)));
  EXPECT_GT(c.store.window_start(), start);
}

TEST(Watches, PlansFollowTheRequest) {
  cluster c;
  const auto plan = [&](const std::string& query) {
    return std::get<watch_plan>(c.call("GET", pods_path + "?watch=true&" + query));
  };
  EXPECT_TRUE(plan("").initial);
  EXPECT_TRUE(plan("resourceVersion=0").initial);
  const auto resumed = plan("resourceVersion=2&timeoutSeconds=9&allowWatchBookmarks=true");
  EXPECT_FALSE(resumed.initial);
  EXPECT_EQ(resumed.since, 2u);
  EXPECT_EQ(resumed.timeout.count(), 9);
  EXPECT_TRUE(resumed.bookmarks);
  const auto streamed = plan("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  EXPECT_TRUE(streamed.initial && streamed.initial_marker);
  EXPECT_EQ(c.refused(504, "GET", pods_path + "?watch=true&resourceVersion=99999"), "Timeout");
  EXPECT_EQ(c.refused(422, "GET", pods_path + "?watch=true&sendInitialEvents=true"), "Invalid");
}

}  // namespace atrium::devcluster
