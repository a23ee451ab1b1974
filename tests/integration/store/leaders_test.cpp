#include "apps/store/worker_leaders.hpp"

#include "tests/integration/store/fixture.hpp"

namespace atrium::store {
namespace {

class Leaders : public with_database {};

state_update running(domain::project_id id, std::string ip) {
  return {
      .project_id = id,
      .state = domain::project_state{.state = domain::state_name::running, .time = domain::now(), .ip = std::move(ip)}};
}

TEST_F(Leaders, OnlyTheNewestFenceWrites) {
  run([](pg::pool& pool) -> rt::task<void> {
    worker_leaders leaders(pool);
    project_actions actions(pool);
    const auto who = co_await make_account(pool, "ada");
    const auto id = (co_await projects(pool).create({who.account_id, "p", ""})).project_id;
    const leader_fence first{"worker", 10}, second{"worker", 11}, other{"other", 1};
    EXPECT_TRUE(co_await leaders.claim(first));
    const auto one = running(id, "10.0.0.1"), two = running(id, "10.0.0.2");
    EXPECT_EQ((co_await actions.set_states({&one, 1}, first)).size(), 1u);
    EXPECT_TRUE(co_await leaders.claim(second));
    EXPECT_TRUE(co_await leaders.claim(second)) << "again, after a lost answer";
    EXPECT_TRUE(co_await leaders.claim(other)) << "another worker's fence is apart";
    EXPECT_FALSE(co_await leaders.claim(first));
    EXPECT_EQ(co_await failure_of(actions.set_states({&two, 1}, first)), disposition::conflict);
    EXPECT_EQ((co_await projects(pool).get(id))->state.ip, "10.0.0.1");
    EXPECT_EQ((co_await actions.set_states({&two, 1}, second)).size(), 1u);
    EXPECT_TRUE((co_await actions.set_states({&two, 1}, second)).empty()) << "nothing differs";
  });
}

TEST_F(Leaders, AClaimWaitsForAWriteThatHasBegun) {
  run([](pg::pool& pool) -> rt::task<void> {
    worker_leaders leaders(pool);
    EXPECT_TRUE(co_await leaders.claim({"worker", 1}));
    std::vector<std::string> order;
    auto body = [&](rt::scope& s) -> rt::task<void> {
      auto writer = co_await pool.acquire();
      co_await writer->query("BEGIN");
      co_await writer->query("SELECT 1 FROM worker_leaders WHERE name = 'worker' AND token = 1 FOR SHARE");
      auto claim = [&]() -> rt::task<void> {
        EXPECT_TRUE(co_await leaders.claim({"worker", 2}));
        order.push_back("claimed");
      };
      s.spawn(claim(), "claim");
      for (;;) {  // until the server says that the claim waits for a lock
        const auto waiting =
            co_await pool.query("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        if (waiting.one().get<int>("n") > 0) break;
        co_await rt::sleep_for(std::chrono::milliseconds(5));
      }
      order.push_back("written");
      co_await writer->query("COMMIT");
      co_await s.join();
    };
    co_await rt::with_scope(body);
    EXPECT_EQ(order, (std::vector<std::string>{"written", "claimed"}));
  });
}

}  // namespace
}  // namespace atrium::store
