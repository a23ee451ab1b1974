#include "atrium/k8s/informer.hpp"
#include "tests/integration/k8s_contract/fixture.hpp"

namespace atrium::k8s {
namespace {

class Watches : public contract {};
INSTANTIATE_TEST_SUITE_P(Backends, Watches, testing::Values(rt::backend_kind::io_uring, rt::backend_kind::epoll),
                         tests::backend_name);

/// The next event that is no bookmark.
rt::task<watch_event> next_of(watch_stream& w) {
  for (;;) {
    auto e = co_await rt::with_timeout(10s, w.next());
    if (!e) fail(disposition::failed, "the watch ended");
    if (e->type != watch_event_type::bookmark) co_return std::move(*e);
  }
}

TEST_P(Watches, ShowWhatHappensAndResume) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    const auto since = (co_await c.list(kinds::configmaps, ns, {.label_selector = "w"})).resource_version;
    auto live = co_await c.watch(kinds::configmaps, ns, {.label_selector = "w", .resource_version = since});
    co_await c.create(kinds::configmaps, ns, map_of("m", {{"n", "1"}}, {{"w", ""}}));
    co_await c.create(kinds::configmaps, ns, map_of("unseen", {}));
    co_await c.patch(kinds::configmaps, ns, "m", patch_type::merge, {{"data", {{"n", "2"}}}});
    co_await c.remove(kinds::configmaps, ns, "m");
    auto e = co_await next_of(*live);
    EXPECT_EQ(e.type, watch_event_type::added);
    const auto after_added = e.resource_version;
    EXPECT_EQ((co_await next_of(*live)).type, watch_event_type::modified);
    e = co_await next_of(*live);
    EXPECT_EQ(e.type, watch_event_type::deleted);
    EXPECT_EQ(text_at(*e.object, {"data", "n"}), "2") << "a deletion shows the last state";

    auto resumed = co_await c.watch(kinds::configmaps, ns, {.label_selector = "w", .resource_version = after_added});
    EXPECT_EQ((co_await next_of(*resumed)).type, watch_event_type::modified);
    EXPECT_EQ((co_await next_of(*resumed)).type, watch_event_type::deleted);
  });
}

TEST_P(Watches, AnObjectThatLeavesTheSelectionIsDeletedForTheWatcher) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    const auto since = (co_await c.list(kinds::configmaps, ns)).resource_version;
    auto live = co_await c.watch(kinds::configmaps, ns, {.label_selector = "w=1", .resource_version = since});
    co_await c.create(kinds::configmaps, ns, map_of("m", {}, {{"w", "1"}}));
    EXPECT_EQ((co_await next_of(*live)).type, watch_event_type::added);
    co_await c.patch(kinds::configmaps, ns, "m", patch_type::merge, {{"metadata", {{"labels", {{"w", "2"}}}}}});
    EXPECT_EQ((co_await next_of(*live)).type, watch_event_type::deleted);
    co_await c.patch(kinds::configmaps, ns, "m", patch_type::merge, {{"metadata", {{"labels", {{"w", "1"}}}}}});
    EXPECT_EQ((co_await next_of(*live)).type, watch_event_type::added);
  });
}

TEST_P(Watches, EndInOrderAfterTheirTimeout) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    const auto since = (co_await c.list(kinds::configmaps, ns)).resource_version;
    auto live = co_await c.watch(kinds::configmaps, ns, {.resource_version = since, .timeout = 1s});
    for (;;)
      if (!co_await rt::with_timeout(10s, live->next())) break;
  });
}

TEST_P(Watches, AVersionThatIsTooOldIsGone) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    const auto since = (co_await c.list(kinds::configmaps, ns)).resource_version;
    // More than the server keeps of its past. A cluster that is not ours keeps it for minutes: there, version 1 is old.
    const bool own = tests::cluster::shared().is_devcluster();
    if (own) {
      co_await c.create(kinds::configmaps, ns, map_of("big", {{"a", std::string(400'000, 'a')}}));
      for (int i = 0; i < 25; ++i)
        co_await c.patch(kinds::configmaps, ns, "big", patch_type::merge, {{"data", {{"i", std::to_string(i)}}}});
    }
    std::string code;
    try {
      auto w = co_await c.watch(kinds::configmaps, ns, {.resource_version = own ? since : "1"});
      const auto e = co_await next_of(*w);
      if (e.type == watch_event_type::error) code = "k8s." + std::to_string(integer_at(*e.object, {"code"}));
    } catch (const failure& f) {
      code = f.error().code();
    }
    EXPECT_EQ(code, code_gone);
  });
}

TEST_P(Watches, AnInformerFollowsThroughReconnectionsAndGaps) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    // Watches of one second: the informer reconnects all the time.
    informer<std::string> maps(
        c, kinds::configmaps,
        {.ns = ns, .label_selector = "w", .page = 3, .reflector = {.watch_least = 1s, .shortest_watch = 0s}},
        [](const json::value& v) { return std::optional(text_at(v, {"data", "n"})); });
    int added = 0, deleted = 0;
    rt::condition changed;
    maps.on_changed([&](const std::string&, const std::string* before, const std::string&) {
      added += before == nullptr;
      changed.notify_all();
    });
    maps.on_deleted([&](const std::string&, const std::string&) {
      ++deleted;
      changed.notify_all();
    });
    for (int i = 0; i < 10; ++i)
      co_await c.create(kinds::configmaps, ns, map_of("m" + std::to_string(i), {{"n", "0"}}, {{"w", ""}}));
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(maps.run(), "informer");
      co_await maps.wait_synced();
      EXPECT_EQ(maps.size(), 10u);
      for (int round = 1; round <= 5; ++round) {
        const auto value = std::to_string(round);
        for (int i = 0; i < 10; ++i)
          co_await c.patch(kinds::configmaps, ns, "m" + std::to_string(i), patch_type::merge,
                           {{"data", {{"n", value}}}});
        co_await rt::sleep_for(300ms);  // lets watches of one second end in between; decides nothing
      }
      for (int i = 0; i < 5; ++i) co_await c.remove(kinds::configmaps, ns, "m" + std::to_string(i));
      auto reached = [&] {
        bool all = maps.size() == 5;
        maps.for_each([&](const std::string&, const std::string& n) { all = all && n == "5"; });
        return all;
      };
      while (!reached()) co_await changed.wait();
      EXPECT_EQ(added, 10);
      EXPECT_EQ(deleted, 5);
      s.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
  });
}

}  // namespace
}  // namespace atrium::k8s
