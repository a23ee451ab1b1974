#include "atrium/k8s/election.hpp"

#include "atrium/rt/sync.hpp"

#include "tests/integration/k8s_contract/fixture.hpp"

namespace atrium::k8s {
namespace {

class Elections : public contract {};
INSTANTIATE_TEST_SUITE_P(Backends, Elections, testing::Values(rt::backend_kind::io_uring, rt::backend_kind::epoll),
                         tests::backend_name);

election_options fast(const std::string& ns, std::string who) {
  return {.ns = ns,
          .name = "leader",
          .identity = std::move(who),
          .lease_duration = 1s,
          .renew_deadline = 700ms,
          .retry_period = 100ms};
}

rt::task<void> hold(rt::event& started, int& leaders) {
  ++leaders;
  EXPECT_EQ(leaders, 1) << "two leaders at once";
  started.set();
  rt::event never;
  std::exception_ptr ended;
  try {
    co_await never.wait();
  } catch (...) {
    ended = std::current_exception();
  }
  --leaders;
  std::rethrow_exception(ended);
}

TEST_P(Elections, OneLeadsAndTheOtherFollowsWithAHigherToken) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    int leaders = 0;
    std::vector<std::int64_t> tokens;
    rt::event first_leads, second_leads;
    auto body = [&](rt::scope& all) -> rt::task<void> {
      rt::scope first;
      first.spawn(run_elected(c, fast(ns, "first"),
                              [&](std::int64_t t) {
                                tokens.push_back(t);
                                return hold(first_leads, leaders);
                              }),
                  "first");
      co_await first_leads.wait();
      all.spawn(run_elected(c, fast(ns, "second"),
                            [&](std::int64_t t) {
                              tokens.push_back(t);
                              return hold(second_leads, leaders);
                            }),
                "second");
      EXPECT_FALSE(second_leads.is_set());
      first.cancel(rt::cancel_reason::shutdown);  // gives the lease back
      co_await first.join();
      co_await second_leads.wait();
      const auto l = parse_lease(co_await c.get(kinds::leases, ns, "leader"));
      EXPECT_EQ(l.holder, "second");
      EXPECT_EQ(l.transitions, tokens.back());
      all.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
    EXPECT_EQ(tokens.size(), 2u);
    EXPECT_GT(tokens[1], tokens[0]);
    EXPECT_EQ(leaders, 0);
  });
}

TEST_P(Elections, ALeaderWhoseLeaseWasTakenStops) {
  on_cluster([](client& c, std::string ns) -> rt::task<void> {
    int leaders = 0;
    rt::event leads;
    auto body = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(run_elected(c, fast(ns, "first"), [&](std::int64_t) { return hold(leads, leaders); }), "first");
      co_await leads.wait();
      leads.reset();
      for (;;) {  // somebody takes it by force, between two renewals
        auto l = parse_lease(co_await c.get(kinds::leases, ns, "leader"));
        l.holder = "thief";
        l.transitions += 1;
        l.duration_seconds = 1;
        try {
          co_await c.replace(kinds::leases, ns, "leader", to_json(l));
          break;
        } catch (const failure& f) {
          if (f.disposition() != disposition::conflict) throw;
        }
      }
      co_await leads.wait();  // it noticed, stopped, waited and leads again
      EXPECT_EQ(leaders, 1);
      s.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
  });
}

}  // namespace
}  // namespace atrium::k8s
