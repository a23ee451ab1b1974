/// @file fixture.hpp - a migrated database, people, a project with a listening "pod", and the hub-proxy before it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include "apps/domain/credentials.hpp"
#include "apps/hub-proxy/handler.hpp"
#include "apps/store/accounts.hpp"
#include "apps/store/columns.hpp"
#include "apps/store/migrations.hpp"
#include "atrium/net/websocket.hpp"
#include "tests/integration/http/fixture.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::hub_proxy {

struct person {
  store::account account;
  std::string token;  ///< of a session
  std::string cookie() const { return "theme=dark; atrium_session=" + token; }
};

/// Everything a case works with. The pod is a real HTTP server on port 6001 of a loopback address of its own.
struct world {
  pg::pool& pool;
  grants& rights;
  net::http_client& client;
  net::origin hub;
  rt::endpoint hub_address;
  rt::scope& scope;
  std::string pod_ip, conninfo;
  person ann, bob, eve;  ///< owner, collaborator, stranger
  store::project project;

  std::string path(std::string rest) const { return "/" + project.project_id.str() + rest; }
  rt::task<net::http_client::whole> get(std::string rest, net::headers h) {
    return client.fetch(hub, {.target = path(std::move(rest)), .headers = std::move(h)});
  }
  rt::task<std::unique_ptr<net::websocket>> open(net::headers h) {
    return net::connect_websocket(client, hub, {.target = path("/ws"), .headers = std::move(h)});
  }
  rt::task<void> set_state(std::string state, std::string ip) {
    co_await pool.query(
        "UPDATE projects SET state = jsonb_build_object('state', $2::text, 'ip', $3::text) WHERE project_id = $1::uuid",
        {project.project_id.view(), state, ip});
  }
  std::string origin_of_hub() const { return "http://" + hub.authority(); }
};

inline rt::task<person> make_person(pg::pool& pool, std::string name) {
  person p;
  p.account = co_await store::accounts(pool).create({name + "@example.org", "$hash", name, "Tester", "192.0.2.1"});
  p.token = domain::new_session_token();
  co_await store::sessions(pool).create(domain::session_hash(p.token), p.account.account_id,
                                        domain::now() + std::chrono::hours(1));
  co_return p;
}

/// Other programs of the test run may use the same port on other addresses.
inline std::string own_loopback_address() {
  static unsigned next = 0;
  const auto n = static_cast<unsigned>(getpid()) * 7 + next++;
  return "127." + std::to_string(18 + n / 62500 % 200) + "." + std::to_string(1 + n / 250 % 250) + "." +
         std::to_string(1 + n % 250);
}

class hub_proxy_test : public testing::Test {
 protected:
  void SetUp() override { conninfo_ = tests::postgres_server::shared().create_database(); }

  /// `pod` answers for the project; `stream`: with the change stream, else by polling alone.
  void run(net::handler pod, std::function<rt::task<void>(world&)> body, bool stream = true) {
    rt::loop loop;
    loop.run(rt::with_timeout(tests::patience(std::chrono::seconds(60)),
                              serve(std::move(pod), std::move(body), stream, conninfo_, content_host_, times_)));
    EXPECT_TRUE(loop.tasks().empty()) << "a task was left behind";
  }

 private:
  static rt::task<void> serve(net::handler pod, std::function<rt::task<void>(world&)> body, bool stream,
                              std::string conninfo, std::string content_host, grant_times times) {
    {
      auto session = co_await pg::connection::connect(conninfo);
      co_await store::migrate(*session);
    }
    pg::pool pool({.conninfo = conninfo, .connections = 4});
    const auto ann = co_await make_person(pool, "Ann"), bob = co_await make_person(pool, "Bob"),
               eve = co_await make_person(pool, "Eve");
    store::projects projects(pool);
    const auto project = co_await projects.create({ann.account.account_id, "Test", ""});
    co_await projects.add_collaborator(project.project_id, ann.account.account_id, bob.account.account_id);

    const auto ip = own_loopback_address();
    auto pod_listener = rt::listener::bind(rt::endpoint::ip(ip, 6001));
    net::http_server pod_server(std::move(pod));
    const auto changes = pg::read_changes({.conninfo = conninfo, .publication = std::string(store::publication_name)});
    net::http_client to_projects, client;
    grants rights(pool, times);
    auto hub_listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
    net::http_server hub([&](net::exchange& e) { return handle(e, rights, to_projects, content_host); });
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn(pod_server.serve(pod_listener), "pod");
      s.spawn(hub.serve(hub_listener), "hub");
      if (stream) s.spawn(rights.follow(*changes), "follow");
      s.spawn(rights.confirm(), "confirm");
      world w{pool,
              rights,
              client,
              {.host = "127.0.0.1", .port = hub_listener.local().port()},
              hub_listener.local(),
              s,
              ip,
              conninfo,
              ann,
              bob,
              eve,
              project};
      co_await w.set_state("running", ip);
      co_await body(w);
      co_await hub.drain(std::chrono::seconds(1));
      co_await pod_server.drain(std::chrono::seconds(1));
      s.cancel(rt::cancel_reason::requested);
    });
  }

  std::string conninfo_;

 protected:
  std::string content_host_;  ///< of the hub-proxy that run() starts
  grant_times times_;         ///< of the same
};

/// What a pod of these tests does: tells heads, echoes bodies and messages.
inline rt::task<void> telling_pod(net::exchange& e) {
  const auto& r = e.request();
  if (r.headers.has_token("Upgrade", "websocket")) {
    auto ws = co_await net::accept_websocket(e);
    while (auto m = co_await ws->receive()) co_await ws->send(m->binary, rt::as_bytes(m->data));
    co_return;
  }
  if (r.method == "PUT" || r.method == "POST") {
    e.allow_body(UINT64_MAX);
    co_await e.respond(net::response::text(200, std::to_string((co_await e.body().text(64u << 20)).size())));
    co_return;
  }
  std::string out = r.method + " " + r.target + "\n";
  for (const auto& [n, v] : r.headers) out.append(n).append(": ").append(v).append("\n");
  co_await e.respond(net::response::text(200, out));
}

}  // namespace atrium::hub_proxy
