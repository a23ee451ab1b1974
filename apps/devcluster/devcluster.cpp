#include "apps/devcluster/devcluster.hpp"

#include <filesystem>
#include <string_view>

#include "apps/devcluster/agent/agent.hpp"
#include "apps/devcluster/agent/helpers.hpp"
#include "apps/devcluster/server/cluster.hpp"
#include "apps/service/service.hpp"
#include "atrium/base/log.hpp"

namespace atrium::devcluster {

namespace {

struct options {
  std::string address = "127.0.0.1:0", projects, kubeconfig_out, node = "atrium";
  bool agent = true, keep_pods = false;
};

void define(settings& s, options& o) {
  s.add("api", "HOST:PORT", "address of the Kubernetes API (TLS); port 0 keeps the port of the last time", o.address);
  s.add("projects", "DIR", "folder below which hostPath volumes must lie (default: STATE/projects)", o.projects);
  s.add("kubeconfig-out", "FILE", "where to write a kubeconfig for this cluster (default: STATE/kubeconfig)",
        o.kubeconfig_out);
  s.add("node-name", "NAME", "name of the node that this machine is", o.node);
  s.add("agent", "run pods on this machine (otherwise pods stay Pending)", o.agent);
  s.add("keep-pods", "let pods go on when devcluster is stopped, and take them up again at its next start",
        o.keep_pods);
}

rt::task<void> run(service::context& c, const options& o) {
  const std::string state = std::filesystem::absolute(c.settings().state);
  cluster_state cluster(state);
  std::optional<node_agent> agent;
  if (o.agent) {
    agent.emplace(cluster.objects(),
                  agent_options{.state = state,
                                .projects = o.projects.empty()
                                                ? state + "/projects"
                                                : std::filesystem::absolute(o.projects).lexically_normal().string(),
                                .node = o.node,
                                .keep_pods = o.keep_pods});
  }
  front api_front(cluster.requests(), cluster.store(), cluster.keys().token, agent ? &*agent : nullptr);
  net::http_server server([&](net::exchange& ex) { return api_front(ex); });
  auto tls = net::tls_context::server(cluster.keys().certificate_pem, cluster.keys().private_key_pem);
  auto listener = co_await bind_api(o.address, state);
  const std::string url = "https://" + listener.local().text();
  write_kubeconfig(o.kubeconfig_out.empty() ? state + "/kubeconfig" : o.kubeconfig_out, cluster.keys(), url);
  log::info("Kubernetes API", {{"url", url}});

  // Pods have most of the time that we have ourselves.
  const auto grace = std::chrono::duration_cast<std::chrono::seconds>(c.settings().grace);
  const auto pod_grace = std::max(std::chrono::seconds(1), grace - std::chrono::seconds(2));
  c.on_drain([&]() -> rt::task<void> {
    if (agent) co_await agent->shut_down(pod_grace);
    api_front.drain();
    co_await server.drain(std::chrono::seconds(2));
  });
  c.spawn(server.serve(listener, tls.get()), "kubernetes api");
  c.spawn(cluster.keep(), "journal");
  if (agent) c.spawn(agent->run(), "node agent");
  co_await c.serve();
  co_await cluster.flush();
}

}  // namespace

int run_devcluster(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "launch") return run_launch(argc - 1, argv + 1);
  if (argc > 1 && std::string_view(argv[1]) == "enter") return run_enter(argc - 1, argv + 1);
  options o;
  return service::run({.name = "devcluster",
                       .summary = "the smallest Kubernetes API that our services run on, with one node",
                       .define = [&](settings& s) { define(s, o); },
                       .listen = "",
                       .state = true},
                      argc, argv, [&](service::context& c) { return run(c, o); });
}

}  // namespace atrium::devcluster
