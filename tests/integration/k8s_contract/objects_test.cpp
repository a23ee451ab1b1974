#include "tests/integration/k8s_contract/fixture.hpp"

namespace atrium::k8s {
namespace {

class Objects : public contract {};
INSTANTIATE_TEST_SUITE_P(Backends, Objects, testing::Values(rt::backend_kind::io_uring, rt::backend_kind::epoll),
                         tests::backend_name);

TEST_P(Objects, CreateReadReplaceDelete) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    const auto made = co_await c.create(kinds::configmaps, ns, map_of("m", {{"a", "1"}}));
    EXPECT_EQ(text_at(made, {"kind"}), "ConfigMap");
    EXPECT_FALSE(parse_meta(made).uid.empty());
    EXPECT_EQ((co_await failure_of(c.create(kinds::configmaps, ns, map_of("m", {})))).code(), code_exists);
    EXPECT_EQ(co_await c.get(kinds::configmaps, ns, "m"), made);

    auto newer = made;
    newer.as_object()["data"] = json::object{{"a", "2"}};
    const auto replaced = co_await c.replace(kinds::configmaps, ns, "m", newer);
    EXPECT_NE(parse_meta(replaced).resource_version, parse_meta(made).resource_version);
    EXPECT_EQ((co_await failure_of(c.replace(kinds::configmaps, ns, "m", newer))).code(), code_conflict)
        << "the version is old by now";

    const auto wrong =
        co_await failure_of(c.remove(kinds::configmaps, ns, "m", {.uid = "00000000-0000-0000-0000-000000000000"}));
    EXPECT_EQ(wrong.code(), code_conflict);
    co_await c.remove(kinds::configmaps, ns, "m", {.uid = parse_meta(made).uid});
    EXPECT_EQ((co_await failure_of(c.get(kinds::configmaps, ns, "m"))).disposition(), disposition::not_found);
    EXPECT_EQ((co_await failure_of(c.remove(kinds::configmaps, ns, "m"))).disposition(), disposition::not_found);
  });
}

TEST_P(Objects, InvalidOnesAreRefused) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    EXPECT_EQ((co_await failure_of(c.create(kinds::configmaps, ns, map_of("Not A Name", {})))).disposition(),
              disposition::invalid);
    EXPECT_EQ((co_await failure_of(c.create(
                   kinds::pods, ns, {{"metadata", {{"name", "p"}}}, {"spec", {{"containers", json::array()}}}})))
                  .disposition(),
              disposition::invalid);
    EXPECT_EQ((co_await failure_of(c.create(kinds::configmaps, ns + "-nowhere", map_of("m", {})))).disposition(),
              disposition::not_found);
  });
}

TEST_P(Objects, MergeAndJsonPatches) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::configmaps, ns, map_of("m", {{"a", "1"}, {"b", "2"}}));
    auto m = co_await c.patch(kinds::configmaps, ns, "m", patch_type::merge, {{"data", {{"a", nullptr}, {"c", "3"}}}});
    EXPECT_EQ(m.at("data"), (json::value{{"b", "2"}, {"c", "3"}}));
    const json::array good{{{"op", "test"}, {"path", "/data/b"}, {"value", "2"}},
                           {{"op", "replace"}, {"path", "/data/b"}, {"value", "4"}}};
    m = co_await c.patch(kinds::configmaps, ns, "m", patch_type::json, good);
    EXPECT_EQ(text_at(m, {"data", "b"}), "4");
    const auto e = co_await failure_of(c.patch(kinds::configmaps, ns, "m", patch_type::json, good));
    EXPECT_EQ(e.disposition(), disposition::invalid) << "its test does not hold any more";
    EXPECT_EQ((co_await failure_of(c.patch(kinds::configmaps, ns, "none", patch_type::merge, {{"data", {{"a", "1"}}}})))
                  .disposition(),
              disposition::not_found);
    const auto stale = co_await failure_of(c.patch(kinds::configmaps, ns, "m", patch_type::merge,
                                                   {{"metadata", {{"resourceVersion", "1"}}}, {"data", {{"z", "1"}}}}));
    EXPECT_EQ(stale.code(), code_conflict);
  });
}

TEST_P(Objects, StrategicPatchesMergeListsByName) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, idle_pod("p"));
    const json::value patch{{"spec", {{"containers", json::array{{{"name", "side"}, {"image", "b:2"}}}}}}};
    const auto p = co_await c.patch(kinds::pods, ns, "p", patch_type::strategic, patch);
    const auto& containers = p.at("spec").at("containers").as_array();
    EXPECT_EQ(containers.size(), 2u);
    for (const auto& one : containers)
      EXPECT_EQ(text_at(one, {"image"}), text_at(one, {"name"}) == "main" ? "a:1" : "b:2");
    co_await c.remove(kinds::pods, ns, "p", {.grace = 0s});
  });
}

TEST_P(Objects, SelectorsByLabelAndField) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::configmaps, ns, map_of("one", {}, {{"tier", "a"}, {"x", "1"}}));
    co_await c.create(kinds::configmaps, ns, map_of("two", {}, {{"tier", "b"}}));
    co_await c.create(kinds::configmaps, ns, map_of("three", {}, {{"tier", "c"}}));
    auto names = [&](std::string labels, std::string fields) -> rt::task<std::set<std::string>> {
      const auto l = co_await c.list(kinds::configmaps, ns, {.label_selector = labels, .field_selector = fields});
      std::set<std::string> out;
      for (const auto& item : *l.items)
        if (const auto name = parse_meta(item).name; name != "kube-root-ca.crt") out.insert(name);
      co_return out;
    };
    using set = std::set<std::string>;
    EXPECT_EQ(co_await names("tier=a", ""), set{"one"});
    EXPECT_EQ(co_await names("tier!=a,tier", ""), (set{"two", "three"}));
    EXPECT_EQ(co_await names("tier in (a,b)", ""), (set{"one", "two"}));
    EXPECT_EQ(co_await names("tier notin (a,b),tier", ""), set{"three"});
    EXPECT_EQ(co_await names("x", ""), set{"one"});
    EXPECT_EQ(co_await names("!x,tier", ""), (set{"two", "three"}));
    EXPECT_EQ(co_await names("", "metadata.name=two"), set{"two"});
    EXPECT_EQ((co_await failure_of(names("tier in a", ""))).disposition(), disposition::invalid);
  });
}

TEST_P(Objects, ListsComeInPages) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    for (int i = 0; i < 25; ++i)
      co_await c.create(kinds::configmaps, ns, map_of("m" + std::to_string(i), {}, {{"page", "yes"}}));
    auto page = co_await c.list_page(kinds::configmaps, ns, {.label_selector = "page=yes", .limit = 10});
    EXPECT_EQ(page.items->size(), 10u);
    EXPECT_FALSE(page.continue_token.empty());
    EXPECT_EQ((co_await c.list(kinds::configmaps, ns, {.label_selector = "page=yes", .limit = 10})).items->size(), 25u);
    EXPECT_EQ((co_await c.list(kinds::configmaps, ns, {.label_selector = "page=yes", .limit = 0})).items->size(), 25u);
    const auto first = page.resource_version;
    co_await c.remove(kinds::configmaps, ns, "m9");
    page =
        co_await c.list_page(kinds::configmaps, ns, {.label_selector = "page=yes", .limit = 100}, page.continue_token);
    EXPECT_EQ(page.items->size(), 15u) << "later pages show the state of the first one";
    EXPECT_EQ(page.resource_version, first);
  });
}

TEST_P(Objects, TheStatusIsWrittenApartFromTheRest) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, idle_pod("p"));
    const json::value both{{"metadata", {{"labels", {{"app", "changed"}}}}}, {"status", {{"message", "hello"}}}};
    auto p = co_await c.patch(kinds::pods, ns, "p", patch_type::merge, both, "status");
    EXPECT_EQ(text_at(p, {"status", "message"}), "hello");
    p = co_await c.patch(kinds::pods, ns, "p", patch_type::merge, {{"status", {{"message", "other"}}}});
    EXPECT_EQ(text_at(p, {"status", "message"}), "hello") << "the main resource does not write the status";
    co_await c.remove(kinds::pods, ns, "p", {.grace = 0s});
  });
}

}  // namespace
}  // namespace atrium::k8s
