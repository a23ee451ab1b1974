#include "apps/devcluster/devcluster.hpp"

#include <filesystem>
#include <string_view>

#include "apps/devcluster/agent/helpers.hpp"
#include "apps/devcluster/server/cluster.hpp"
#include "apps/service/service.hpp"
#include "atrium/base/log.hpp"

namespace atrium::devcluster {

namespace {

struct options {
  std::string address = "127.0.0.1:0", projects, kubeconfig_out;
};

void define(settings& s, options& o) {
  s.add("api", "HOST:PORT", "address of the Kubernetes API (TLS); port 0 keeps the port of the last time", o.address);
  s.add("projects", "DIR", "folder below which hostPath volumes must lie (default: STATE/projects)", o.projects);
  s.add("kubeconfig-out", "FILE", "where to write a kubeconfig for this cluster (default: STATE/kubeconfig)", o.kubeconfig_out);
}

rt::task<void> run(service::context& c, const options& o) {
  const std::string state = std::filesystem::absolute(c.settings().state);
  cluster_state cluster(state);
  front api_front(cluster.requests(), cluster.store(), cluster.keys().token, nullptr);
  net::http_server server([&](net::exchange& ex) { return api_front(ex); });
  auto tls = net::tls_context::server(cluster.keys().certificate_pem, cluster.keys().private_key_pem);
  auto listener = bind_api(o.address, state);
  const std::string url = "https://" + listener.local().text();
  write_kubeconfig(o.kubeconfig_out.empty() ? state + "/kubeconfig" : o.kubeconfig_out, cluster.keys(), url);
  log::info("Kubernetes API", {{"url", url}});

  c.on_drain([&]() -> rt::task<void> {
    api_front.drain();
    co_await server.drain(std::chrono::seconds(2));
  });
  c.spawn(server.serve(listener, tls.get()), "kubernetes api");
  c.spawn(cluster.keep(), "journal");
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
