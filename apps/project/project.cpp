#include "apps/project/project.hpp"

#include <unistd.h>

#include <cstdlib>

#include "apps/domain/project_pod.hpp"
#include "apps/project/environment.hpp"
#include "apps/project/http/access.hpp"
#include "apps/project/http/handlers.hpp"
#include "apps/project/init.hpp"
#include "apps/project/session/session.hpp"
#include "apps/service/service.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium {

namespace project {

namespace {

using namespace std::chrono_literals;

struct options {
  std::string id, secret, home, hub_listen;
  trace::id start;  ///< of the action that started this project
};

rt::task<void> serve_socket(net::exchange& e, parts& all) {
  auto who = person_of(e.request(), all.secret);
  auto socket = co_await net::accept_websocket(e, session::socket_options());
  session s(all, std::move(socket), std::move(who));
  co_await s.run();
}

rt::task<void> answer_status(net::exchange& e, parts& all) {
  co_await e.respond(net::response::json(200, co_await status_json(all)));
}

rt::task<void> answer_ok(net::exchange& e) { co_await e.respond(net::response::text(200, "ok\n")); }

rt::task<void> answer_metrics(net::exchange& e) {
  rt::loop::current().publish_metrics();
  co_await e.respond(net::response::text(200, metrics::text()));
}

void add_browser_routes(net::router& to, parts& all, uploads& up) {
  const auto add = [&](const char* method, const char* pattern, net::handler h) {
    to.add(method, pattern, guarded(all.secret, std::move(h)));
  };
  const auto reading = [&all](net::exchange& e) { return download(e, all); };
  add("GET", "/files/{path*}", reading);
  add("GET", "/raw/{path*}", reading);
  add("PUT", "/files/{path*}", [&up](net::exchange& e) { return up.put(e); });
  add("GET", "/ws", [&all](net::exchange& e) { return serve_socket(e, all); });
  for (const char* pattern : {"/port/{port}", "/port/{port}/{rest*}"})
    add("*", pattern, [&all](net::exchange& e) { return to_port(e, all, true); });
  for (const char* pattern : {"/server/{port}", "/server/{port}/{rest*}", "/proxy/{port}", "/proxy/{port}/{rest*}"})
    add("*", pattern, [&all](net::exchange& e) { return to_port(e, all, false); });
}

void add_hub_routes(net::router& to, parts& all, service::context& c) {
  to.add("GET", "/alive", answer_ok);
  to.add("GET", "/ready", [&c](net::exchange& e) {
    return e.respond(c.draining() ? net::response::text(503, "the project stops\n")
                                  : net::response::text(200, "ready\n"));
  });
  to.add("GET", "/metrics", guarded(all.secret, answer_metrics));
  to.add("POST", "/exec", guarded(all.secret, [&all](net::exchange& e) { return execute(e, all); }));
  to.add("GET", "/status", guarded(all.secret, [&all](net::exchange& e) { return answer_status(e, all); }));
}

/// Browsers come back by themselves; documents are written; programs in terminals may save what they have.
rt::task<void> drain(parts& all) {
  for (auto* p : std::set(all.people.all())) p->end(1012, "the project stops");
  co_await all.docs.close_all();
  for (const auto& [name, t] : std::map(all.terms.all())) t->kill();
  for (int i = 0; i < 30 && !all.terms.all().empty(); ++i) co_await rt::sleep_for(50ms);
}

rt::task<void> serve(service::context& c, const options& o) {
  hide_secrets();
  parts all(o.id, o.secret, o.home, c.background());
  uploads up(all);
  net::router for_hubs;
  add_browser_routes(c.router(), all, up);
  add_hub_routes(for_hubs, all, c);
  c.listen(o.hub_listen, [&for_hubs](net::exchange& e) { return for_hubs(e); });
  c.on_drain([&all] { return drain(all); });
  c.spawn(all.watching.run(), "watch files");
  c.spawn(all.docs.recover(), "recover documents");
  c.spawn(all.docs.run_housekeeping(), "close documents");
  {
    const rt::trace_region traced(co_await rt::this_task(), o.start);
    log::info("project server starts",
              {{"project_id", o.id}, {"home", o.home}, {"openat2", all.files.kernel_resolves()}});
  }
  co_await c.serve();
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace
}  // namespace project

int run_project(int argc, char** argv) {
  if (const auto code = project::run_as_init()) return *code;
  project::options o;
  o.home = project::variable("HOME");
  o.start = trace::parse(project::variable(std::string(domain::trace_variable).c_str()));
  if (o.home.empty()) o.home = "/home/user";
  const auto sockets = project::variable("ATRIUM_POD_SOCKETS");
  o.hub_listen = sockets.empty() ? "0.0.0.0:6000" : "unix:" + sockets + "/6000.sock";
  // The folder is this pod's alone: a socket in it is left over. (Asking whether somebody answers is not safe: the
  // kernel takes a killed process' rings, and the sockets in them, apart a little after its death.)
  if (!sockets.empty())
    for (const char* name : {"/6000.sock", "/6001.sock"}) ::unlink((sockets + name).c_str());
  service::definition d{.name = "project", .summary = "the server inside a project's pod"};
  d.operations = false;  // everybody in the cluster can ask, and what is asked for says much
  d.hops = 2;            // edge and hub-proxy
  d.listen = sockets.empty() ? "0.0.0.0:6001" : "unix:" + sockets + "/6001.sock";
  d.define = [&o](settings& s) {
    s.add("project-id", "UUID", "the project", o.id).required();
    s.add("project-secret", "TEXT", "what hubs prove themselves with and sign users with", o.secret)
        .required()
        .secret();
    s.add("home", "DIR", "the user's files", o.home);
    s.add("hub-listen", "ADDRESS", "address for hubs; --listen is the one for browsers", o.hub_listen);
  };
  return service::run(std::move(d), argc, argv, [&o](service::context& c) { return project::serve(c, o); });
}

}  // namespace atrium
