/// @file fixture.hpp - hub-next on loopback with a database of its own, and visitors that keep cookies as browsers do.
#pragma once

#include <boost/json.hpp>

#include "apps/hub-next/site.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/project_actions.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::tests {

namespace json = boost::json;

/// Somebody with a browser or a script.
class visitor {
 public:
  visitor(net::http_client& client, net::origin at) : client_(client), at_(std::move(at)) {}

  rt::task<net::http_client::whole> send(std::string method, std::string target, std::string body = {},
                                         net::headers more = {}) {
    net::request head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.headers = std::move(more);
    if (!cookie_.empty()) head.headers.add("Cookie", cookie_);
    auto answer = co_await client_.fetch(at_, std::move(head), std::move(body));
    for (const auto set : answer.headers.all("Set-Cookie")) {
      cookie_ = set.substr(0, set.find(';'));
      if (cookie_ == "atrium_session=") cookie_.clear();
    }
    co_return answer;
  }
  rt::task<net::http_client::whole> get(std::string target) { return send("GET", std::move(target)); }
  /// A form sent from a page of ours.
  rt::task<net::http_client::whole> form(std::string target, std::string fields) {
    return send("POST", std::move(target), std::move(fields),
                {{"Origin", "http://" + at_.authority()}, {"Content-Type", "application/x-www-form-urlencoded"}});
  }
  /// A call of /api/v2.
  rt::task<json::value> call(std::string name, json::object parameters = {}) {
    net::headers more{{"Content-Type", "application/json"}};
    if (!key_.empty()) more.add("Authorization", "Bearer " + key_);
    const auto answer = co_await send("POST", "/api/v2/" + name, json::serialize(parameters), std::move(more));
    EXPECT_EQ(answer.status, 200u) << answer.body;
    co_return json::parse(answer.body);
  }
  /// Signs up by the API; gives the account's id.
  rt::task<std::string> join(std::string name) {
    const auto answer = co_await call("auth/sign-up", {{"email", name + "@example.org"},
                                                       {"password", "correct horse"},
                                                       {"firstName", name},
                                                       {"lastName", "Tester"},
                                                       {"terms", true}});
    co_return std::string(answer.at("account_id").as_string());
  }
  const std::string& cookie() const { return cookie_; }
  void set_cookie(std::string cookie) { cookie_ = std::move(cookie); }
  void set_key(std::string key) { key_ = std::move(key); }

 private:
  net::http_client& client_;
  net::origin at_;
  std::string cookie_, key_;
};

struct town {
  pg::pool& pool;
  net::http_client& client;
  net::origin at;
  rt::scope& scope;
  visitor newcomer() const { return visitor(client, at); }
};

/// Runs `body(town)` beside a served hub-next.
template <class Body>
rt::task<void> with_hub_next(Body body) {
  const auto conninfo = postgres_server::shared().create_database();
  {
    auto session = co_await pg::connection::connect(conninfo);
    co_await store::migrate(*session);
  }
  pg::pool pool({.conninfo = conninfo, .connections = 4});
  net::http_client to_projects, client;
  hub_next::site site{pool, to_projects};
  net::router router;
  hub_next::add_pages(router, site);
  hub_next::add_auth(router, site);
  hub_next::add_api(router, site);
  auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  net::http_server server([&router](net::exchange& x) { return router(x); });
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn(server.serve(listener), "serve");
    town t{pool, client, {.host = "127.0.0.1", .port = listener.local().port()}, s};
    co_await body(t);
    co_await server.drain(std::chrono::seconds(5));
  });
}

inline std::string error_in(const json::value& v) {
  const auto* o = v.if_object();
  const auto* e = o ? o->if_contains("error") : nullptr;
  return e ? std::string(e->as_string()) : std::string();
}

}  // namespace atrium::tests
