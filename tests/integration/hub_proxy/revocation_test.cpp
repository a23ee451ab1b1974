// A right that ends is forgotten, and what runs on it is cut: by the change stream, and by polling alone.
#include "tests/integration/hub_proxy/fixture.hpp"
#include "tests/support/held_commits.hpp"

namespace atrium::hub_proxy {
namespace {

using namespace std::chrono_literals;

class HubProxyRevocation : public hub_proxy_test, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(By, HubProxyRevocation, testing::Values(true, false),
                         [](const auto& p) { return p.param ? std::string("stream") : std::string("poll"); });

using HubProxyRevocationLate = hub_proxy_test;

rt::task<std::unique_ptr<net::websocket>> open_and_check(world& w, net::headers h) {
  auto ws = co_await w.open(std::move(h));
  co_await ws->send_text("hello");
  auto m = co_await ws->receive();
  EXPECT_TRUE(m && m->data == "hello");
  co_return ws;
}

net::headers by_cookie(world& w, const person& p) { return {{"Cookie", p.cookie()}, {"Origin", w.origin_of_hub()}}; }

/// Waits for the cut; gives how long it took.
rt::task<std::chrono::milliseconds> wait_cut(net::websocket& ws) {
  const auto began = rt::clock::now();
  try {
    EXPECT_FALSE(co_await rt::with_timeout(10s, ws.receive()));
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected);
  }
  co_return std::chrono::duration_cast<std::chrono::milliseconds>(rt::clock::now() - began);
}

rt::task<void> expect_alive(net::websocket& ws) {
  co_await ws.send_text("still");
  auto m = co_await ws.receive();
  EXPECT_TRUE(m && m->data == "still");
}

void note(const char* what, std::chrono::milliseconds took) {
  testing::Test::RecordProperty(what, static_cast<int>(took.count()));
  std::printf("%s: cut after %lld ms\n", what, static_cast<long long>(took.count()));
}

TEST_P(HubProxyRevocation, EveryWayToLoseARightCutsTheTunnel) {
  run(
      telling_pod,
      [](world& w) -> rt::task<void> {
        store::projects projects(w.pool);
        auto anns = co_await open_and_check(w, by_cookie(w, w.ann));

        auto bobs = co_await open_and_check(w, by_cookie(w, w.bob));
        co_await projects.remove_collaborator(w.project.project_id, w.ann.account.account_id, w.bob.account.account_id);
        note("collaborator removed", co_await wait_cut(*bobs));
        EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.bob.cookie()}})).status, 404u);

        co_await projects.add_collaborator(w.project.project_id, w.ann.account.account_id, w.bob.account.account_id);
        bobs = co_await open_and_check(w, by_cookie(w, w.bob));
        co_await store::sessions(w.pool).remove(domain::session_hash(w.bob.token));
        note("signed out", co_await wait_cut(*bobs));
        EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.bob.cookie()}})).status, 401u);

        store::api_keys keys(w.pool);
        const auto key = co_await keys.create(w.bob.account.account_id, "k");
        bobs = co_await open_and_check(w, {{"Authorization", "Bearer " + key.secret}});
        co_await keys.remove(w.bob.account.account_id, key.row.id);
        note("key deleted", co_await wait_cut(*bobs));
        EXPECT_EQ((co_await w.get("/files/x", {{"Authorization", "Bearer " + key.secret}})).status, 401u);

        const auto second = co_await keys.create(w.bob.account.account_id, "k2");
        bobs = co_await open_and_check(w, {{"Authorization", "Bearer " + second.secret}});
        co_await w.pool.query("UPDATE accounts SET banned = true WHERE account_id = $1::uuid",
                              {w.bob.account.account_id.view()});
        note("banned", co_await wait_cut(*bobs));

        co_await expect_alive(*anns);  // nobody else's connection was touched
        co_await projects.set_deleted(w.project.project_id, w.ann.account.account_id, true);
        note("project deleted", co_await wait_cut(*anns));
        EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.ann.cookie()}})).status, 404u);
      },
      GetParam());
}

/// Removes Bob, whose tunnel is open, by a commit that becomes visible long after the stream has brought it.
rt::task<void> remove_bob_late(world& w, rt::duration late) {
  auto bobs = co_await open_and_check(w, by_cookie(w, w.bob));
  // Who works there is recorded by a commit of its own: that one must not be held.
  while (
      (co_await w.pool.query("SELECT FROM projects WHERE last_active ? $1", {w.bob.account.account_id.view()})).empty())
    co_await rt::sleep_for(5ms);
  const auto stream = pg::read_changes({.conninfo = w.conninfo, .publication = std::string(store::publication_name)});
  while (!(co_await stream->next()).resync) {
  }
  const auto remove = [&]() -> rt::task<void> {
    co_await store::projects(w.pool).remove_collaborator(w.project.project_id, w.ann.account.account_id,
                                                         w.bob.account.account_id);
  };
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    co_await tests::with_held_commits(w.pool, [&]() -> rt::task<void> {
      s.spawn(remove(), "remove");
      while ((co_await stream->next()).changes.empty()) {
      }
      co_await rt::sleep_for(late);  // the hub has it too, and asks what it means
      EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.bob.cookie()}})).status, 200u) << "not visible yet";
    });
  });
  note("removed late", co_await wait_cut(*bobs));
}

// In both nothing but the stream tells of the removal: all rights are confirmed once an hour.
TEST_F(HubProxyRevocationLate, WhatTheStreamBringsBeforeItIsVisibleIsNotLost) {
  times_.confirm_all = times_.trust_limit = times_.cut_limit = 1h;
  run(telling_pod, [](world& w) { return remove_bob_late(w, 50ms); });
}

TEST_F(HubProxyRevocationLate, ACommitThatStaysInvisibleIsNotWaitedForButAskedForAgain) {
  times_.confirm_all = times_.trust_limit = times_.cut_limit = 1h;
  times_.visible_limit = 5ms;
  run(telling_pod, [](world& w) { return remove_bob_late(w, 100ms); });
}

TEST_P(HubProxyRevocation, ARunningDownloadIsCut) {
  auto pod = [](net::exchange& e) -> rt::task<void> {
    auto out = co_await e.start({.status = 200, .headers = {}, .body = {}});
    for (;;) {
      co_await out->write(std::string_view("some more of a long answer\n"));
      co_await rt::sleep_for(5ms);
    }
  };
  run(
      pod,
      [](world& w) -> rt::task<void> {
        auto a =
            co_await w.client.send(w.hub, {.target = w.path("/files/long"), .headers = {{"Cookie", w.bob.cookie()}}});
        EXPECT_EQ(a.status, 200u);
        std::byte piece[1000];
        co_await a.body->read_some(piece);
        co_await store::projects(w.pool).remove_collaborator(w.project.project_id, w.ann.account.account_id,
                                                             w.bob.account.account_id);
        auto rest = [](net::body_reader& from) -> rt::task<void> {
          std::byte scrap[1000];
          try {
            while (co_await from.read_some(scrap) > 0) {
            }
            ADD_FAILURE() << "a cut answer looked whole";
          } catch (const failure& f) {
            EXPECT_EQ(f.disposition(), disposition::disconnected);
          }
        };
        co_await rt::with_timeout(10s, rest(*a.body));
      },
      GetParam());
}

TEST_P(HubProxyRevocation, RightsAreReadOncePerBurst) {
  run(
      telling_pod,
      [](world& w) -> rt::task<void> {
        auto one = [](world& x) -> rt::task<void> {
          EXPECT_EQ((co_await x.get("/files/x", {{"Cookie", x.ann.cookie()}})).status, 200u);
        };
        co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
          for (int i = 0; i < 50; ++i) s.spawn(one(w), "request");
          co_return;
        });
        EXPECT_EQ(w.rights.size(), 1u);
      },
      GetParam());
}

TEST_P(HubProxyRevocation, AnOutageOfTheDatabaseDoesNotCutWhoIsIn) {
  run(
      telling_pod,
      [](world& w) -> rt::task<void> {
        auto ws = co_await open_and_check(w, by_cookie(w, w.ann));
        co_await w.pool.query("CHECKPOINT");  // test servers may lose the last commits in a crash
        tests::postgres_server::shared().stop();
        co_await rt::sleep_for(600ms);  // longer than a poll
        co_await expect_alive(*ws);
        tests::postgres_server::shared().start();
        co_await expect_alive(*ws);
        // Rights are watched again.
        while ((co_await w.get("/files/x", {{"Cookie", w.bob.cookie()}})).status != 200u) co_await rt::sleep_for(20ms);
        co_await store::projects(w.pool).set_deleted(w.project.project_id, w.ann.account.account_id, true);
        note("deleted after the outage", co_await wait_cut(*ws));
      },
      GetParam());
}

}  // namespace
}  // namespace atrium::hub_proxy
