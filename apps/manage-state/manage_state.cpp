#include "apps/manage-state/manage_state.hpp"

#include "apps/manage-state/keeper.hpp"
#include "apps/manage-state/usage.hpp"
#include "apps/service/service.hpp"
#include "apps/store/migrations.hpp"
#include "atrium/base/log.hpp"
#include "atrium/k8s/election.hpp"

namespace atrium::manage_state {

namespace {

struct parameters {
  std::vector<std::string> namespaces;
  settings::duration resync = std::chrono::seconds(30), usage_interval = std::chrono::seconds(30),
                     watchdog_stream = std::chrono::seconds(90), leader_lease = std::chrono::seconds(7),
                     events_after = std::chrono::seconds(15);
};

void define(settings& s, parameters& p) {
  s.add("project-namespaces", "NAME", "namespaces of project pods (default: that of --namespace)", p.namespaces);
  s.add("resync", "TIME", "how often all projects are compared with all pods", p.resync);
  s.add("usage-interval", "TIME", "how often running projects are asked what they use", p.usage_interval);
  s.add("watchdog-stream", "TIME", "a watch that is silent for so long is opened anew", p.watchdog_stream);
  s.add("events-after", "TIME", "events are read, as often, of pods whose container is being made for so long",
        p.events_after);
  s.add("leader-lease", "TIME", "how long other replicas wait after the leader's last sign of life", p.leader_lease);
}

/// Returns when the database has a newer leader: then this one competes again.
rt::task<void> lead(keeper& k, usage_poller& usage, std::int64_t token) {
  rt::scope s(&co_await rt::this_task());
  s.spawn(k.lead(token), "keep states");
  s.spawn(usage.run(), "poll usage");
  try {
    co_await s.join();
  } catch (const failure& f) {
    if (f.error().code() != store::code_not_leading) throw;
    log::warn("the database has a newer leader", {{"token", token}});
  }
}

rt::task<void> compete(k8s::client& api, k8s::election_options options, keeper& k, usage_poller& usage) {
  for (;;) {
    co_await k8s::run_elected(api, options, [&](std::int64_t token) { return lead(k, usage, token); });
    co_await rt::sleep_for(options.retry_period);
  }
}

rt::task<void> serve(service::context& c, const parameters& p) {
  const auto& common = c.settings();
  pg::pool pool({.conninfo = common.database});
  store::project_actions actions(pool);
  store::project_usage usage_table(pool);
  k8s::client api(k8s::config::load(common.kubeconfig), {.user_agent = "atrium/manage-state"});
  pod_cache pods(api, p.namespaces.empty() ? std::vector{common.name_space} : p.namespaces,
                 {.quiet_limit = p.watchdog_stream});
  store::worker_leaders leaders(pool);
  pod_events events(api, pods, p.events_after);
  keeper states(pods, events, actions, leaders, p.resync);
  usage_poller usage(pods, usage_table, p.usage_interval);
  c.ready_when("database", [&pool]() -> rt::task<void> {
    auto session = co_await pool.acquire();
    co_await store::require_schema(*session);
  });
  c.ready_when("cluster", [&pods]() -> rt::task<void> {
    if (!pods.synced()) fail(disposition::disconnected, "The pods have not been read from the cluster yet.");
    co_return;
  });
  c.spawn(pods.run(), "watch pods");
  const auto lease = p.leader_lease;
  c.spawn(compete(api,
                  {.ns = common.name_space,
                   .name = "atrium-manage-state",
                   .identity = k8s::unique_identity(common.replica),
                   .replica = common.replica,
                   .lease_duration = lease,
                   .renew_deadline = lease * 2 / 3,
                   .retry_period = lease * 2 / 15},
                  states, usage),
          "election");
  co_await c.serve();
}

}  // namespace

}  // namespace atrium::manage_state

int atrium::run_manage_state(int argc, char** argv) {
  using namespace manage_state;
  parameters p;
  return service::run({.name = "manage-state",
                       .summary = "keeps the states of projects in step with their pods",
                       .define = [&p](settings& s) { define(s, p); },
                       .database = true,
                       .kubernetes = true},
                      argc, argv, [&p](service::context& c) { return serve(c, p); });
}
