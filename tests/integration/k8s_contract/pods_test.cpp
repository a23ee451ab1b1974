// Pods that run: states, logs, commands, graceful ends. On a given cluster ATRIUM_TEST_IMAGE names an image with
// /bin/sh.
#include "tests/integration/k8s_contract/fixture.hpp"

namespace atrium::k8s {
namespace {

class Pods : public contract {};
INSTANTIATE_TEST_SUITE_P(Backends, Pods, testing::Values(rt::backend_kind::io_uring, rt::backend_kind::epoll),
                         tests::backend_name);

json::value shell_pod(std::string_view name, std::string_view script, std::string_view restart = "Never") {
  const char* image = std::getenv("ATRIUM_TEST_IMAGE");
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"restartPolicy", restart},
            {"terminationGracePeriodSeconds", 5},
            {"containers", json::array{{{"name", "main"},
                                        {"image", image ? image : "busybox"},
                                        {"command", json::array{"/bin/sh", "-c", script}}}}}}}};
}

/// Follows the pod until `holds`.
template <class F>
rt::task<pod> until(client& c, std::string ns, std::string name, F holds) {
  const auto l = co_await c.list(kinds::pods, ns, {.field_selector = "metadata.name=" + name});
  for (const auto& item : *l.items)
    if (auto p = parse_pod(item); holds(p)) co_return p;
  auto w = co_await c.watch(kinds::pods, ns,
                            {.field_selector = "metadata.name=" + name, .resource_version = l.resource_version});
  for (;;) {
    auto e = co_await rt::with_timeout(30s, w->next());
    if (!e) fail(disposition::failed, "the watch ended");
    if (e->type == watch_event_type::bookmark) continue;
    if (auto p = parse_pod(*e->object); holds(p)) co_return p;
  }
}

bool runs(const pod& p) { return p.phase == "Running" && p.is_condition("Ready"); }

rt::task<std::string> whole_log(client& c, std::string ns, std::string name, log_options o = {}) {
  auto body = co_await c.logs(ns, name, o);
  co_return co_await rt::with_timeout(20s, body->text());
}

TEST_P(Pods, RunEndAndSayHow) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, shell_pod("good", "echo fine"));
    co_await c.create(kinds::pods, ns, shell_pod("bad", "exit 3"));
    auto over = [](const pod& p) { return p.phase == "Succeeded" || p.phase == "Failed"; };
    const auto good = co_await until(c, ns, "good", over), bad = co_await until(c, ns, "bad", over);
    EXPECT_EQ(good.phase, "Succeeded");
    EXPECT_EQ(bad.phase, "Failed");
    EXPECT_TRUE(good.is_condition("PodScheduled"));
    EXPECT_FALSE(good.node_name.empty());
    EXPECT_EQ(bad.containers.size(), 1u);
    EXPECT_EQ(bad.containers.at(0).state.what, container_state::kind::terminated);
    EXPECT_EQ(bad.containers.at(0).state.exit_code, 3);
    EXPECT_EQ(co_await whole_log(c, ns, "good"), "fine\n");
  });
}

TEST_P(Pods, AProgramThatEndsIsRestartedWithGrowingPauses) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, shell_pod("loop", "exit 4", "Always"));
    const auto p = co_await until(c, ns, "loop", [](const pod& q) {
      return !q.containers.empty() && q.containers[0].state.reason == "CrashLoopBackOff";
    });
    EXPECT_GE(p.containers.at(0).restarts, 1);
    EXPECT_EQ(p.containers.at(0).last_state.exit_code, 4);
    co_await c.remove(kinds::pods, ns, "loop", {.grace = 0s});
  });
}

TEST_P(Pods, LogsFollowAndAreCut) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns,
                      shell_pod("p", "i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); sleep 0.1; done"));
    co_await until(c, ns, "p", [](const pod& p) { return p.phase != "Pending"; });
    EXPECT_EQ(co_await whole_log(c, ns, "p", {.follow = true}), "line 0\nline 1\nline 2\nline 3\nline 4\n");
    EXPECT_EQ(co_await whole_log(c, ns, "p", {.tail_lines = 2}), "line 3\nline 4\n");
    EXPECT_EQ((co_await failure_of(whole_log(c, ns, "none"))).disposition(), disposition::not_found);
    EXPECT_EQ((co_await failure_of(whole_log(c, ns, "p", {.container = "none"}))).disposition(), disposition::invalid);
  });
}

TEST_P(Pods, CommandsRunInside) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, shell_pod("p", "sleep 600"));
    co_await until(c, ns, "p", runs);
    auto out = co_await c.run(ns, "p", {.command = {"/bin/sh", "-c", "echo out; echo err >&2; exit 7"}});
    EXPECT_EQ(out.result.exit_code, 7);
    EXPECT_EQ(out.standard_output, "out\n");
    EXPECT_EQ(out.standard_error, "err\n");
    out = co_await c.run(ns, "p", {.command = {"true"}});
    EXPECT_EQ(out.result.exit_code, 0);

    const std::string input(300'000, 'x');
    out = co_await c.run(ns, "p", {.command = {"cat"}}, input);
    EXPECT_TRUE(out.standard_output == input) << out.standard_output.size();
    EXPECT_EQ(out.result.exit_code, 0);

    out = co_await c.run(ns, "p", {.command = {"/no/such/program"}});
    EXPECT_NE(out.result.exit_code, 0);
    EXPECT_EQ((co_await failure_of(c.run(ns, "none", {.command = {"true"}}))).disposition(), disposition::not_found);
    co_await c.remove(kinds::pods, ns, "p", {.grace = 0s});
  });
}

TEST_P(Pods, ATerminalHasASize) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, shell_pod("p", "sleep 600"));
    co_await until(c, ns, "p", runs);
    auto s = co_await c.exec(ns, "p", {.command = {"/bin/sh"}, .standard_input = true, .terminal = true});
    co_await s->resize(77, 33);
    co_await s->send(rt::as_bytes("sleep 0.2; stty size; exit 0\n"));
    std::string seen;
    auto read = [&]() -> rt::task<void> {
      while (auto piece = co_await s->receive()) seen += piece->data;
    };
    co_await rt::with_timeout(20s, read());
    EXPECT_NE(seen.find("33 77"), std::string::npos) << seen;
    co_await c.remove(kinds::pods, ns, "p", {.grace = 0s});
  });
}

TEST_P(Pods, ADeletionGivesTimeToEnd) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(
        kinds::pods, ns,
        shell_pod("p", "trap 'echo bye; sleep 0.3; exit 0' TERM; echo up; while true; do sleep 0.05; done"));
    co_await until(c, ns, "p", runs);
    auto log = co_await c.logs(ns, "p", {.follow = true});
    std::string said;  // "up": its trap is set
    std::byte buffer[64];
    while (said.find("up\n") == std::string::npos) {
      const auto n = co_await rt::with_timeout(10s, log->read_some(buffer));
      if (n == 0) fail(disposition::failed, "the log ended");
      said += rt::as_text(std::span(buffer).first(n));
    }
    const auto l = co_await c.list(kinds::pods, ns);
    auto w = co_await c.watch(kinds::pods, ns, {.resource_version = l.resource_version});
    co_await c.remove(kinds::pods, ns, "p");
    bool marked = false;
    for (;;) {
      auto e = co_await rt::with_timeout(20s, w->next());
      if (!e) fail(disposition::failed, "the watch ended");
      if (e->type == watch_event_type::modified) marked = marked || parse_pod(*e->object).meta.deleted.has_value();
      if (e->type == watch_event_type::deleted) break;
    }
    EXPECT_TRUE(marked) << "first it is marked, then it goes";
    EXPECT_EQ(said + co_await rt::with_timeout(10s, log->text()), "up\nbye\n");
  });
}

TEST_P(Pods, ADeletionWithoutGraceKills) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    co_await c.create(kinds::pods, ns, shell_pod("p", "trap '' TERM; while true; do sleep 1; done"));
    co_await until(c, ns, "p", runs);
    co_await c.remove(kinds::pods, ns, "p", {.grace = 0s});
    EXPECT_EQ((co_await failure_of(c.get(kinds::pods, ns, "p"))).disposition(), disposition::not_found);
  });
}

}  // namespace
}  // namespace atrium::k8s
