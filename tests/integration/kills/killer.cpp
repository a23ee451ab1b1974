#include "tests/integration/kills/killer.hpp"

#include <csignal>

#include "tests/integration/kills/processes.hpp"

namespace atrium::tests {

using namespace std::chrono_literals;

namespace {

constexpr const char* services[] = {"edge",          "static",       "hub-next",   "hub-websocket", "hub-proxy",
                                    "manage-action", "manage-state", "devcluster", "postgres"};

}  // namespace

killer::killer(world& w) : world_(w), chance_(w.the_plan.seed, "killer") {}

killer::~killer() {
  for (const auto pid : held_) ::kill(pid, SIGCONT);
}

rt::task<std::string> killer::storm(unsigned kills) {
  std::map<std::string, unsigned> hit;
  co_await rt::with_scope([this, kills, &hit](rt::scope& s) -> rt::task<void> {
    for (unsigned n = 0; n < kills;) {
      co_await rt::sleep_for(chance_.between(100ms, 400ms));
      const auto v = choose();
      const bool stop = chance_.one_in(3);
      const auto length = chance_.between(200ms, 3000ms);
      if (v.pid <= 0 || ::kill(v.pid, stop ? SIGSTOP : SIGKILL) != 0) {
        world_.found.count("signals that met nobody");
        continue;
      }
      ++n;
      const auto what = (stop ? "SIGSTOP " : "SIGKILL ") + v.name;
      world_.found.count(what);
      ++hit[what];
      if (stop) s.spawn(hold(v, length), "hold");
    }
  });
  std::string out;
  for (const auto& [what, n] : hit) out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + what;
  co_return out;
}

rt::task<void> killer::hold(victim v, rt::duration length) {
  held_.insert(v.pid);
  co_await rt::sleep_for(length);
  held_.erase(v.pid);
  ::kill(v.pid, SIGCONT);
}

killer::victim killer::choose() {
  const auto kind = chance_.below(20);
  const auto which = chance_.below(1000);
  if (kind < 13) return service(services[which % std::size(services)]);
  if (kind < 15) {
    const auto all = children_of(service("postgres").pid);
    return {"postgres backend", all.empty() ? 0 : all[which % all.size()]};
  }
  std::vector<pid_t> all;
  for (const auto& [id, some] : project_processes(world_.system.state() + "/s/projects"))
    for (const auto& p : some) all.push_back(p.pid);
  return {"project server", all.empty() ? 0 : all[which % all.size()]};
}

/// The process of its pid file, when that is still ours.
killer::victim killer::service(const std::string& name) const {
  const auto pid = world_.system.pid_of(name);
  const bool ours = pid > 0 && command_line(pid).find(world_.system.state()) != std::string::npos;
  return {name, ours ? pid : 0};
}

}  // namespace atrium::tests
