// The pool of database sessions against a server that restarts, refuses, dawdles, loses plans and fails at any point:
// no lease is lost or lent twice, waiters are served in order or released, and what a statement did is what it said.
#include "atrium/pg/pool.hpp"

#include "atrium/base/metrics.hpp"
#include "tests/sim/fake_postgres.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

enum class known : std::uint8_t { done, failed, unknown };

struct world {
  sim::simulation& sim;
  fake_postgres server;
  pg::pool pool;
  std::set<pg::connection*> lent;
  std::map<std::string, known> told;            ///< of each write
  std::vector<std::set<std::string>> together;  ///< writes of one transaction
  std::uint64_t last_id = 0, arrived = 0, served = 0;
  bool in_order = false;  ///< one session: who came first is served first

  std::string id() { return std::to_string(++last_id); }
  rt::duration up_to(rt::duration most) { return sim.random().between(rt::duration(0), most); }
};

/// What a failure says about a statement: anything but these is said by the server, after it rolled back.
known meaning(const failure& f) {
  const auto d = f.disposition();
  const bool unknown = d == disposition::disconnected || d == disposition::timed_out || d == disposition::cancelled;
  return unknown ? known::unknown : known::failed;
}

struct borrowed {
  world& w;
  pg::pool::lease lease;
  borrowed(world& in, pg::pool::lease l) : w(in), lease(std::move(l)) {
    EXPECT_TRUE(w.lent.insert(&*lease).second) << "lent twice";
    EXPECT_TRUE(lease->usable());
  }
  ~borrowed() { w.lent.erase(&*lease); }
};

rt::task<std::unique_ptr<borrowed>> borrow(world& w) {
  const auto number = ++w.arrived;
  auto lease = co_await w.pool.acquire();
  if (w.in_order) EXPECT_GT(number, w.served) << "overtaken";
  w.served = std::max(w.served, number);
  co_return std::make_unique<borrowed>(w, std::move(lease));
}

rt::task<void> write_one(world& w, pg::connection& c, const std::string& id) {
  w.told[id] = known::unknown;
  try {
    const auto r = co_await c.query("WRITE", {id});
    EXPECT_EQ(r.one().get<std::string>("id"), id) << "somebody else's answer";
    w.told[id] = known::done;
  } catch (const failure& f) {
    EXPECT_NE(f.error().code(), "pg.25P02") << "in a transaction that somebody else left open";
    w.told[id] = meaning(f);
    throw;
  }
}

/// Whoever loses patience with a statement may go on with the session.
rt::task<void> impatient(world& w, pg::connection& c) {
  try {
    co_await rt::with_timeout(w.up_to(1s), write_one(w, c, w.id()));
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
  }
}

rt::task<void> by_lease(world& w) {
  auto b = co_await borrow(w);
  for (auto n = w.sim.random().between(1, 3); n > 0; --n) {
    if (w.sim.random().chance(0.3)) co_await rt::sleep_for(w.up_to(3s));
    if (w.sim.random().chance(0.3)) co_await impatient(w, *b->lease);
    else co_await write_one(w, *b->lease, w.id());
  }
}

rt::task<void> by_pool(world& w) {
  const auto id = w.id();
  w.told[id] = known::unknown;
  try {
    EXPECT_EQ((co_await w.pool.query("WRITE", {id})).one().get<std::string>(0), id);
    w.told[id] = known::done;
  } catch (const failure& f) {
    w.told[id] = meaning(f);
    throw;
  }
}

rt::task<void> pipelined(world& w) {
  auto b = co_await borrow(w);
  std::vector<pg::connection::statement> all;
  std::vector<std::string> ids;
  for (auto n = w.sim.random().between(1, 100); n > 0; --n) {
    ids.push_back(w.id());
    w.told[ids.back()] = known::unknown;
    all.push_back({"WRITE", {ids.back()}});
  }
  auto outcomes = co_await b->lease->pipeline(std::move(all));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_NE(outcomes[i].rows.has_value(), outcomes[i].error.has_value());
    w.told[ids[i]] = outcomes[i].error ? meaning(failure(*outcomes[i].error)) : known::done;
    if (outcomes[i].rows) EXPECT_EQ(outcomes[i].rows->one().get<std::string>(0), ids[i]);
  }
}

rt::task<void> by_script(world& w) {
  auto b = co_await borrow(w);
  const auto one = w.id(), two = w.id();
  w.told[one] = w.told[two] = known::unknown;
  w.together.push_back({one, two});
  const auto say = [&](known k) { w.told[one] = w.told[two] = k; };
  try {
    co_await b->lease->script("WRITE" + ('\0' + one) + ";WRITE" + ('\0' + two));
    say(known::done);
  } catch (const failure& f) {
    say(meaning(f));
    throw;
  }
}

rt::task<void> in_transaction(world& w) {
  const auto one = w.id(), two = w.id();
  w.told[one] = w.told[two] = known::unknown;
  w.together.push_back({one, two});
  int attempts = 0;
  const auto say = [&](known k) { w.told[one] = w.told[two] = k; };
  try {
    co_await w.pool.transaction([&](pg::connection& c) -> rt::task<void> {
      EXPECT_TRUE(w.lent.insert(&c).second) << "lent twice";
      struct leave {
        std::set<pg::connection*>& from;
        pg::connection* who;
        ~leave() { from.erase(who); }
      } here{w.lent, &c};
      EXPECT_LE(++attempts, 3);
      co_await c.query("WRITE", {one});
      if (w.sim.random().chance(0.2)) co_await rt::sleep_for(w.up_to(2s));
      co_await c.query("WRITE", {two});
    });
    say(known::done);
  } catch (const failure& f) {
    say(meaning(f));
    throw;
  }
}

/// Leaves its transaction open: nothing of it may ever be there.
rt::task<void> abandoned(world& w) {
  const auto id = w.id();
  w.told[id] = known::failed;
  auto b = co_await borrow(w);
  co_await b->lease->query("BEGIN");
  co_await b->lease->query("WRITE", {id});
}

rt::task<void> some(world& w) {
  switch (w.sim.random().below(w.in_order ? 5 : 6)) {
    case 0:
      return by_lease(w);
    case 1:
      return pipelined(w);
    case 2:
      return by_script(w);
    case 3:
      return abandoned(w);
    case 4:
      return by_lease(w);
    default:
      return w.sim.random().chance(0.5) ? in_transaction(w) : by_pool(w);
  }
}

rt::task<void> client(world& w) {
  for (int i = 0; i < 5; ++i) {
    try {
      if (w.sim.random().chance(0.3)) co_await rt::with_timeout(w.up_to(5s), some(w));
      else co_await some(w);
    } catch (const failure& f) {
      EXPECT_NE(f.disposition(), disposition::cancelled) << f.error().describe();
    }
    if (w.sim.random().chance(0.2)) co_await rt::sleep_for(w.up_to(20s));
  }
}

void check(const world& w) {
  for (const auto& [id, what] : w.told) {
    const auto at = w.server.written.find(id);
    const int times = at == w.server.written.end() ? 0 : at->second.committed;
    if (what == known::done) EXPECT_EQ(times, 1) << "write " << id << " was reported done";
    else if (what == known::failed) EXPECT_EQ(times, 0) << "write " << id << " was reported failed";
    else EXPECT_LE(times, 1) << "write " << id << " was done twice";
  }
  for (const auto& ids : w.together) {
    std::set<int> times;
    for (const auto& id : ids) {
      const auto at = w.server.written.find(id);
      times.insert(at == w.server.written.end() ? 0 : at->second.committed);
    }
    EXPECT_EQ(times.size(), 1u) << "half of a transaction is there: " << *ids.begin();
  }
}

rt::task<void> hold(world& w, int& holding, rt::event& all, int wanted) {
  auto b = co_await borrow(w);
  co_await write_one(w, *b->lease, w.id());
  if (++holding == wanted) all.set();
  co_await all.wait();
}

/// In the end every place of the pool can be had at once, and works.
rt::task<void> whole(world& w, int connections) {
  w.sim.heal();
  w.server.heal();
  w.in_order = false;
  co_await rt::sleep_for(100s);
  int holding = 0;
  rt::event all;
  rt::scope holders(&co_await rt::this_task());
  for (int i = 0; i < connections; ++i) holders.spawn(hold(w, holding, all, connections), "hold");
  try {
    co_await holders.join();
  } catch (const failure& f) {
    ADD_FAILURE() << "a healthy pool fails: " << f.error().describe();
  }
  EXPECT_EQ(holding, connections);
  EXPECT_EQ(metrics::get_gauge("atrium_pg_pool_waiting_tasks", "").value(), 0);
  EXPECT_EQ(metrics::get_gauge("atrium_pg_pool_busy_sessions", "").value(), 0);
}

rt::task<void> use_all(sim::simulation& s, int connections) {
  const auto at = rt::endpoint::parse(s.random().chance(0.5) ? "127.0.0.1:5432" : "unix:/pg");
  way_count ways;
  auto& r = s.random();
  {
    world w{
        s,
        fake_postgres(s, at),
        pg::pool({.conninfo = "",
                  .connections = static_cast<std::size_t>(connections),
                  .wait_limit = r.between(rt::duration(100ms), rt::duration(20s)),
                  .statement_limit = r.chance(0.2) ? rt::duration() : r.between(rt::duration(1s), rt::duration(30s)),
                  .connect = fake_way(at, ways)}),
        {},
        {},
        {}};
    w.in_order = connections == 1;
    w.server.trouble = r.chance(0.3) ? 0 : 0.3 * static_cast<double>(r.between(1, 100)) / 100;
    w.server.restarts = r.chance(0.5);
    rt::scope serving(&co_await rt::this_task()), clients(&co_await rt::this_task());
    serving.spawn(w.server.serve(), "server");
    for (int i = 0; i < 6; ++i) clients.spawn(client(w), "client");
    co_await clients.join();
    EXPECT_TRUE(w.lent.empty());
    co_await whole(w, connections);
    EXPECT_LE(ways.most, connections) << "more sessions than the pool may have";
    EXPECT_EQ(metrics::get_gauge("atrium_pg_pool_sessions", "").value(), ways.now);
    serving.cancel(rt::cancel_reason::shutdown);
    co_await serving.join();
    check(w);
  }
  EXPECT_EQ(ways.now, 0) << "sessions outlive their pool";
  co_await rt::sleep_for(200s);
}

TEST(SimPool, NothingIsLostOrDoneTwiceWhateverHappens) {
  simulate(1000, [](sim::simulation& s) { return use_all(s, int(s.random().between(2, 5))); });
}

TEST(SimPool, OneSessionServesInOrderOfArrival) {
  simulate(1000, [](sim::simulation& s) { return use_all(s, 1); });
}

}  // namespace
}  // namespace atrium::tests
