#include "apps/manage-action/manage_action.hpp"

#include "apps/manage-action/worker.hpp"
#include "apps/service/service.hpp"
#include "apps/store/migrations.hpp"
#include "atrium/k8s/election.hpp"

namespace atrium::manage_action {

namespace {

struct parameters {
  std::vector<std::string> namespaces;
  std::string project_tag;
  unsigned parallel = 64;
  settings::duration lease = std::chrono::seconds(6), retry_limit = std::chrono::minutes(2);
};

void define(settings& s, parameters& p) {
  s.add("project-namespaces", "NAME", "namespaces of project pods (default: that of --namespace)", p.namespaces);
  s.add("project-tag", "TAG", "label project_tag of project pods (default: the tag of their image)", p.project_tag);
  s.add("parallel", "N", "requests carried out at once", p.parallel);
  s.add("lease", "TIME", "how long a request belongs to a replica that has died", p.lease);
  s.add("retry-limit", "TIME", "how long calls to the cluster are repeated before people are told", p.retry_limit);
}

rt::task<void> serve(service::context& c, const parameters& p) {
  const auto& common = c.settings();
  pg::pool pool({.conninfo = common.database});
  store::project_actions actions(pool);
  store::server_settings site_settings(pool);
  k8s::client api(k8s::config::load(common.kubeconfig), {.user_agent = "atrium/manage-action"});
  site_templates site(api, common.name_space);
  executor act(api, actions, site_settings, site,
               {.namespaces = p.namespaces.empty() ? std::vector{common.name_space} : p.namespaces,
                .project_tag = p.project_tag,
                .retry_limit = p.retry_limit});
  worker work(actions, act, common.database,
              {.identity = k8s::unique_identity(common.replica),
               .replica = common.replica,
               .parallel = std::max(1u, p.parallel),
               .lease = std::chrono::duration_cast<std::chrono::milliseconds>(p.lease)});
  c.ready_when("database", [&pool]() -> rt::task<void> {
    auto session = co_await pool.acquire();
    co_await store::require_schema(*session);
  });
  c.ready_when("cluster", [&site]() -> rt::task<void> {
    if (!site.synced()) fail(disposition::disconnected, "The ConfigMaps have not been read from the cluster yet.");
    co_return;
  });
  c.spawn(site.run(), "watch ConfigMaps");
  c.spawn(work.run(), "worker");
  co_await c.serve();
}

}  // namespace

}  // namespace atrium::manage_action

int atrium::run_manage_action(int argc, char** argv) {
  using namespace manage_action;
  parameters p;
  return service::run({.name = "manage-action",
                       .summary = "starts, stops and restarts projects as people ask for it",
                       .define = [&p](settings& s) { define(s, p); },
                       .database = true,
                       .kubernetes = true},
                      argc, argv, [&p](service::context& c) { return serve(c, p); });
}
