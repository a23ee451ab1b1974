// From the command line to the exit code.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "apps/service/shell.hpp"
#include "atrium/base/log.hpp"
#include "atrium/net/proxy.hpp"
#include "atrium/rt/stall_watch.hpp"

namespace atrium::service {

namespace {

/// Each connection is a descriptor; the usual soft limit of 1024 is meant for programs that use select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65536);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

log::format format_of(const std::string& name) {
  if (name == "json") return log::format::json;
  return name == "logfmt" ? log::format::logfmt : log::format::automatic;
}

}  // namespace

int run(definition what, int argc, char** argv, body b) {
  common_settings common;
  common.listen = what.listen;
  settings::duration stall_limit = std::chrono::milliseconds(100);
  std::string level = "info", format = "automatic", operations_listen;
  settings s(what.name, what.summary);
  const auto is_address = [](std::string_view text) -> std::string {
    try {
      if (!text.empty() && !inherited_descriptor(text)) rt::endpoint::parse(text);
    } catch (const failure&) {
      return "host:port, unix:/path or fd:N is expected";
    }
    return {};
  };
  s.add("listen", "ADDRESS", "address to serve on: host:port, unix:/path, or fd:N, a listening socket handed over",
        common.listen)
      .check(is_address);
  s.add("operations-listen", "ADDRESS", "further address for health, metrics and the task tree", operations_listen)
      .check(is_address);
  s.add("database", "CONNINFO", "PostgreSQL connection string", common.database).secret().hidden(!what.database);
  s.add("kubeconfig", "FILE", "how to reach Kubernetes; without it: as a pod", common.kubeconfig)
      .hidden(!what.kubernetes);
  s.add("namespace", "NAME", "namespace of the project pods", common.name_space).hidden(!what.kubernetes);
  s.add("replica", "NAME", "no two processes run under it at once: what the one before held is taken over at once",
        common.replica)
      .hidden(!what.kubernetes);
  s.add("state", "DIR", "folder of what is kept on disk", common.state).hidden(!what.state);
  s.add("grace", "TIME", "how long connections may finish after SIGTERM", common.grace);
  s.add("stall-limit", "TIME", "a task that holds the loop for longer is named in the log", stall_limit);
  s.add("log-level", "LEVEL", "lowest level that is logged", level).one_of({"debug", "info", "warn", "error"});
  s.add("log-format", "FORMAT", "logfmt for people, json for machines", format).one_of({"automatic", "logfmt", "json"});
  what.limits = net::behind_proxies(what.limits, what.hops);
  if (what.limits.connections_per_address > 0)
    s.add("connections-per-address", "N", "connections of one client address at most; 0 where a proxy stands in front",
          what.limits.connections_per_address);
  if (what.define) what.define(s);
  if (const auto code = s.parse(argc, argv)) return *code;

  log::configure(what.name, log::level_of(level), format_of(format));
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  for (const auto& line : s.describe()) log::debug("setting", {{"value", line}});
  try {
    rt::loop loop;
    const rt::stall_watch watch(loop, stall_limit);
    shell root(loop, what, common, operations_listen);
    loop.run(root.main(std::move(b)), "service");
    return 0;
  } catch (const std::exception&) {
    log::error("the service ends", {{"error", error_of(std::current_exception())}});
    return 1;
  }
}

}  // namespace atrium::service
