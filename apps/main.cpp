// The executable: one subcommand a service.
#include <cstdio>
#include <string_view>

#include "apps/devcluster/devcluster.hpp"
#include "apps/edge/edge.hpp"
#include "apps/hub-next/hub_next.hpp"
#include "apps/hub-proxy/hub_proxy.hpp"
#include "apps/hub-websocket/hub_websocket.hpp"
#include "apps/manage-action/manage_action.hpp"
#include "apps/manage-state/manage_state.hpp"
#include "apps/migrate/migrate.hpp"
#include "apps/project/project.hpp"
#include "apps/static/static.hpp"
#include "apps/up/up.hpp"

namespace {

struct subcommand {
  std::string_view name, summary;
  int (*run)(int argc, char** argv);
};

constexpr subcommand subcommands[] = {
    {"hub-next", "landing page, signing up and in, information pages and /api/v2", atrium::run_hub_next},
    {"hub-websocket", "browsers' requests and live queries over one WebSocket", atrium::run_hub_websocket},
    {"manage-action", "starts, stops and restarts projects as people ask for it", atrium::run_manage_action},
    {"manage-state", "keeps the states of projects in step with their pods", atrium::run_manage_state},
    {"hub-proxy", "lets people into their project pods", atrium::run_hub_proxy},
    {"migrate", "brings the database to this program's schema", atrium::run_migrate},
    {"devcluster", "the Kubernetes API of one machine, with a node that runs pods as sandboxes",
     &atrium::devcluster::run_devcluster},
    {"project", "the server inside a project's pod: files, terminals, documents", atrium::run_project},
    {"edge", "forwards by path to the services", atrium::edge::run_edge},
    {"static", "serves the browser application", atrium::static_files::run_static},
    {"up", "runs the whole system on this machine", atrium::up::run_up},
};

int usage(std::FILE* to) {
  std::fputs("usage: atrium <subcommand> [flags]   (atrium <subcommand> --help lists its flags)\n\n", to);
  for (const auto& s : subcommands)
    std::fprintf(to, "  %-16.*s %.*s\n", int(s.name.size()), s.name.data(), int(s.summary.size()), s.summary.data());
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return usage(stderr);
  const std::string_view name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") return usage(stdout);
  for (const auto& s : subcommands)
    if (s.name == name) return s.run(argc - 1, argv + 1);
  std::fprintf(stderr, "atrium: there is no subcommand '%s'\n", argv[1]);
  return usage(stderr);
}
