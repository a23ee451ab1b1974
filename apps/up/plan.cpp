#include "apps/up/plan.hpp"

#include <unistd.h>

#include "atrium/net/client.hpp"

namespace atrium::up {
namespace {

/// True when /ready of the service at `address` answers 200.
rt::task<bool> answers_ready(std::string address) {
  net::http_client client;
  const auto where = net::origin::parse(address.starts_with("unix:") ? address : "http://" + address).value();
  try {
    const auto answer = co_await rt::with_timeout(std::chrono::seconds(2), client.fetch(where, {.target = "/ready"}));
    co_return answer.status == 200;
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
  co_return false;
}

std::string pid_file(const layout& l, const std::string& name) { return l.run() + "/" + name + ".pid"; }

/// The folder is locked and a service is started when the one before has ended: of each there is one process at a time.
std::string replica(const layout& l) {
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  return std::string(host) + ":" + l.state;
}

child_spec service(const layout& l, const std::string& name, std::vector<std::string> flags) {
  const auto address = l.socket(name);
  std::vector<std::string> argv{l.program, name, "--listen", address};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return {.name = name,
          .argv = std::move(argv),
          .environment = {},
          .log_file = l.log(name),
          .pid_file = pid_file(l, name),
          .is_ready = [address] { return answers_ready(address); }};
}

child_spec edge(const layout& l, int door) {
  constexpr int theirs = 3;
  return {.name = "edge",
          .argv = {l.program, "edge", "--listen", "fd:" + std::to_string(theirs), "--operations-listen",
                   l.socket("edge-operations"), "--static", l.socket("static"), "--hub-next", l.socket("hub-next"),
                   "--hub-websocket", l.socket("hub-websocket"), "--hub-proxy", l.socket("hub-proxy"), "--content-host",
                   l.content_host},
          .environment = {},
          .log_file = l.log("edge"),
          .pid_file = pid_file(l, "edge"),
          .descriptors = {{door, theirs}},
          .is_ready = [address = l.listen] { return answers_ready(address); }};
}

}  // namespace

child_spec devcluster(const layout& l) {
  return service(
      l, "devcluster",
      {"--state", l.state + "/devcluster", "--projects", l.state + "/projects", "--kubeconfig-out", l.kubeconfig()});
}

std::vector<child_spec> services(const layout& l, int door) {
  const std::vector<std::string> database{"--database", l.database},
      both{"--database",  l.database,   "--kubeconfig", l.kubeconfig(),
           "--namespace", l.name_space, "--replica",    replica(l)};
  return {
      edge(l, door),
      service(l, "static", {"--root", l.web}),
      service(l, "hub-next", database),
      service(l, "hub-websocket", database),
      service(l, "hub-proxy", {"--database", l.database, "--content-host", l.content_host}),
      service(l, "manage-action", both),
      service(l, "manage-state", both),
  };
}

}  // namespace atrium::up
