// The cache of an informer, the work queue behind it and the election of a leader against an API that answers late,
// wrong, half or not at all: in the end what is cached and done is what the server has; no two leaders ever hold one
// token.
#include "atrium/k8s/election.hpp"
#include "atrium/k8s/informer.hpp"
#include "atrium/k8s/work_queue.hpp"
#include "tests/sim/fake_api.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;
using versions = std::map<std::string, std::string>;

/// Runs `body` beside a server; cancels what `body` spawned into its scope, then ends the server.
using cluster_body = std::function<rt::task<void>(fake_api&, k8s::client&, rt::scope&)>;
rt::task<void> stop_all(rt::scope& s) {
  s.cancel(rt::cancel_reason::shutdown);
  co_await s.join();
}
rt::task<void> on_cluster(sim::simulation& s, cluster_body body) {
  fake_api api(s);
  api.trouble = s.random().chance(0.2) ? 0 : 0.3 * static_cast<double>(s.random().between(1, 100)) / 100;
  auto l = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  rt::scope serving(&co_await rt::this_task());
  serving.spawn(api.serve(l), "api");
  {
    k8s::client client(api.config(l));
    rt::scope inside(&co_await rt::this_task());
    co_await body(api, client, inside);
    co_await stop_all(inside);
  }
  co_await api.stop();
  co_await serving.join();
  l.close();
  co_await rt::sleep_for(200s);
}

rt::task<void> change_pods(sim::simulation& s, fake_api& api) {
  auto& r = s.random();
  for (auto n = r.between(5, 40); n > 0; --n) {
    const auto name = "p" + std::to_string(r.below(8));
    if (r.chance(0.3)) api.remove_pod(name);
    else api.put_pod(name);
    if (r.chance(0.05)) api.compact();
    if (r.chance(0.05)) s.reset_connections(0.5);
    if (r.chance(0.3)) co_await rt::sleep_for(r.between(rt::duration(0), rt::duration(20s)));
  }
}

struct controller {
  sim::simulation& sim;
  k8s::informer<std::string>& cache;
  versions done;
  std::set<std::string> working;
};

rt::task<k8s::work_queue::again> reconcile(controller& c, std::string key) {
  EXPECT_TRUE(c.working.insert(key).second) << key << " is worked on twice at a time";
  struct leave {
    controller& c;
    const std::string& key;
    ~leave() { c.working.erase(key); }
  } leave{c, key};
  const auto* now = c.cache.find(key);
  const auto wanted = now ? std::optional(*now) : std::nullopt;
  co_await rt::sleep_for(c.sim.random().between(rt::duration(0), rt::duration(500ms)));
  if (c.sim.random().chance(0.2) && c.sim.faults().refuse > 0) fail(disposition::disconnected, "planned");
  if (wanted) c.done[key] = *wanted;
  else c.done.erase(key);
  co_return k8s::work_queue::again{};
}

k8s::informer_options pods_of_n(sim::random& r) {
  k8s::informer_options o;
  o.ns = "n";
  o.page = r.chance(0.5) ? 500 : 2;
  return o;
}

TEST(SimK8s, AnInformerAndItsWorkQueueEndWhereTheServerIs) {
  simulate(1000, [](sim::simulation& s) {
    return on_cluster(s, [&s](fake_api& api, k8s::client& client, rt::scope& inside) -> rt::task<void> {
      for (int i = 0; i < 5; ++i) api.put_pod("p" + std::to_string(i));
      k8s::informer<std::string> cache(
          client, k8s::resources::pods, pods_of_n(s.random()), [](const boost::json::value& o) {
            return std::optional(std::string(o.at("metadata").at("resourceVersion").as_string()));
          });
      k8s::work_queue queue("sim");
      controller c{s, cache, {}, {}};
      std::map<std::string, std::uint64_t> highest;
      cache.on_changed([&](const std::string& key, const std::string*, const std::string& now) {
        EXPECT_GT(std::stoull(now), highest[key]) << key << " went back in time";
        highest[key] = std::stoull(now);
        queue.add(key);
      });
      cache.on_deleted([&](const std::string& key, const std::string&) { queue.add(key); });
      rt::scope tasks(&co_await rt::this_task());
      tasks.spawn(cache.run(), "informer");
      tasks.spawn(queue.run(3, [&c](std::string key) { return reconcile(c, std::move(key)); }), "queue");
      inside.spawn(change_pods(s, api), "changes");
      co_await inside.join();
      s.heal();
      api.trouble = 0;
      const auto same = [&] {
        versions cached;
        cache.for_each([&](const std::string& key, const std::string& v) { cached[key] = v; });
        return cached == api.pods();
      };
      for (int i = 0; i < 900 && !(same() && c.done == api.pods()); ++i) co_await rt::sleep_for(1s);
      EXPECT_TRUE(same()) << "the cache is not what the server has";
      EXPECT_EQ(c.done, api.pods()) << "not everything was worked on";
      co_await stop_all(tasks);
    });
  });
}

TEST(SimK8s, CallsRefusedTogetherDoNotComeBackTogether) {
  simulate(50, [](sim::simulation& s) -> rt::task<void> {
    s.heal();
    constexpr int crowd = 40;
    std::vector<rt::time_point> refused, back;
    net::http_server server([&](net::exchange& x) -> rt::task<void> {
      const bool first = refused.size() < crowd;
      (first ? refused : back).push_back(rt::clock::now());
      auto answer = net::response::json(first ? 429 : 200, "{}");
      if (first) answer.headers.add("Retry-After", "1");
      co_await x.respond(std::move(answer));
    });
    auto l = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
    rt::scope serving(&co_await rt::this_task());
    serving.spawn(server.serve(l), "api");
    {
      k8s::config at;
      at.server.host = "127.0.0.1";
      at.server.port = l.local().port();
      // Half of them by one client, the others each by one of their own: replicas that start together.
      k8s::client shared(at);
      std::deque<k8s::client> own;
      rt::scope calls(&co_await rt::this_task());
      for (int i = 0; i < crowd; ++i)
        calls.spawn([](k8s::client& c) -> rt::task<void> { co_await c.raw("GET", "/version"); }(
                                           i % 2 ? shared : own.emplace_back(at)),
                    "call");
      co_await calls.join();
    }
    EXPECT_EQ(back.size(), refused.size());
    std::map<int, int> arrivals;  // by tenths of a second after the first refusal
    for (const auto t : back) {
      EXPECT_GE(t, refused.front() + 1s) << "what the server asks for is waited at least";
      EXPECT_LE(t, refused.back() + 2s + 100ms);
      ++arrivals[static_cast<int>((t - refused.front()) / 100ms)];
    }
    for (const auto& [when, n] : arrivals) EXPECT_LT(n, crowd / 2) << "in the same tenth of a second, " << when;
    co_await server.drain(1s);
    co_await serving.join();
    l.close();
    co_await rt::sleep_for(200s);
  });
}

/// What leaders write to: refuses tokens smaller than the highest seen.
struct fenced_store {
  std::int64_t highest = 0;
  std::map<std::int64_t, std::string> holders;
  int accepted = 0, refused = 0;
  void write(std::int64_t token, const std::string& by) {
    if (token < highest) {
      ++refused;
      return;
    }
    highest = token;
    const auto [at, fresh] = holders.emplace(token, by);
    EXPECT_EQ(at->second, by) << "token " << token << " has two leaders";
    ++accepted;
  }
};

struct candidate {
  sim::simulation& sim;
  fenced_store& store;
  std::string identity;
};

rt::task<void> lead(candidate& c, std::int64_t token) {
  for (;;) {
    c.store.write(token, c.identity);
    co_await rt::sleep_for(c.sim.random().between(rt::duration(10ms), rt::duration(5s)));
    if (c.sim.random().chance(0.02) && c.sim.faults().refuse > 0) fail(disposition::failed, "planned");
  }
}

/// One process after another: each is stopped after a while, in order or in the middle of what it does.
rt::task<void> compete(sim::simulation& s, fenced_store& store, const k8s::config& where, std::string name,
                       const bool& last_round) {
  for (int life = 0;; ++life) {
    candidate c{s, store, name + std::to_string(life)};
    k8s::client client(where);
    k8s::election_options o;
    o.ns = "n";
    o.name = "lease";
    o.identity = c.identity;
    auto body = k8s::run_elected(client, o, [&c](std::int64_t token) { return lead(c, token); });
    try {
      if (last_round) co_await std::move(body);
      else co_await rt::with_timeout(s.random().between(rt::duration(1s), rt::duration(40s)), std::move(body));
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
    }
  }
}

TEST(SimK8s, NoTwoLeadersEverHoldTheSameToken) {
  simulate(1000, [](sim::simulation& s) {
    return on_cluster(s, [&s](fake_api& api, k8s::client& client, rt::scope&) -> rt::task<void> {
      fenced_store store;
      bool last_round = false;
      rt::scope tasks(&co_await rt::this_task());
      for (const char* name : {"a", "b", "c"})
        tasks.spawn(compete(s, store, client.configuration(), name, last_round), name);
      for (int i = 0; i < 2; ++i) {
        co_await rt::sleep_for(s.random().between(rt::duration(5s), rt::duration(25s)));
        if (s.random().chance(0.5)) s.reset_connections(0.7);
        if (s.random().chance(0.2)) s.jump(s.random().between(rt::duration(1s), rt::duration(30s)));
      }
      s.heal();
      api.trouble = 0;
      last_round = true;
      co_await rt::sleep_for(60s);
      const auto before = store.accepted;
      co_await rt::sleep_for(15s);
      EXPECT_GT(store.accepted, before) << "nobody leads on a healthy cluster";
      co_await stop_all(tasks);
    });
  });
}

}  // namespace
}  // namespace atrium::tests
