/// @file fixture.hpp - a hub on loopback over a real database, and browsers that speak to it.
#pragma once

#include <boost/json.hpp>
#include <deque>
#include <functional>

#include "apps/domain/credentials.hpp"
#include "apps/hub-websocket/hub.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/project_actions.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/net/client.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::tests {

namespace json = boost::json;

struct person {
  store::account account;
  std::string token;
  domain::account_id id() const { return account.account_id; }
};

/// A browser tab: sends requests, keeps the pushes that come between.
class tab {
 public:
  explicit tab(std::unique_ptr<net::websocket> s) : socket_(std::move(s)) {}

  /// The next message that is no answer; empty at the close.
  rt::task<std::optional<json::object>> push() {
    if (!pushes_.empty()) {
      auto first = std::move(pushes_.front());
      pushes_.pop_front();
      co_return first;
    }
    auto message = co_await read();
    EXPECT_FALSE(message && message->contains("id")) << "an answer that nobody waits for";
    co_return message;
  }
  /// The whole answer.
  rt::task<json::object> ask(std::string method, json::object params = {}) {
    const auto id = ++last_id_;
    co_await socket_->send_text(
        json::serialize(json::object{{"id", id}, {"method", method}, {"params", std::move(params)}}));
    for (;;) {
      auto message = co_await read();
      if (!message) fail(disposition::disconnected, "closed before the answer to " + method);
      if (message->contains("event")) {
        pushes_.push_back(std::move(*message));
        continue;
      }
      EXPECT_EQ(message->at("id").to_number<std::int64_t>(), id);
      co_return std::move(*message);
    }
  }
  rt::task<json::value> call(std::string method, json::object params = {}) {
    auto answer = co_await ask(method, std::move(params));
    EXPECT_TRUE(answer.contains("result")) << method << ": " << json::serialize(answer);
    co_return answer["result"];
  }
  /// Code of the error that the call must end with.
  rt::task<std::string> refused(std::string method, json::object params = {}) {
    auto answer = co_await ask(method, std::move(params));
    if (!answer.contains("error")) co_return "none";
    EXPECT_FALSE(answer["error"].as_object()["message"].as_string().empty());
    co_return std::string(answer["error"].as_object()["code"].as_string());
  }
  /// The next message must be changes of one row: "upsert" or "delete", and the row or key.
  rt::task<std::pair<std::string, json::value>> one_change() {
    auto message = co_await push();
    if (!message || (*message)["event"] != "changes") {
      ADD_FAILURE() << "no changes: " << (message ? json::serialize(*message) : "closed");
      co_return std::pair<std::string, json::value>{};
    }
    auto& changes = (*message)["changes"].as_array();
    EXPECT_EQ(changes.size(), 1u) << json::serialize(*message);
    auto& first = changes[0].as_object();
    const std::string op(first["op"].as_string());
    co_return std::pair{op, op == "upsert" ? first["row"] : first["key"]};
  }
  /// Takes pushes until a change of the row satisfies `enough`: for rows that several writers change in turn.
  rt::task<json::object> row_with(std::function<bool(json::object&)> enough) {
    for (;;) {
      auto [op, row] = co_await one_change();
      if (op != "upsert") fail(disposition::failed, "the row went away");
      if (enough(row.as_object())) co_return std::move(row.as_object());
    }
  }
  net::websocket& socket() { return *socket_; }

 private:
  rt::task<std::optional<json::object>> read() {
    auto message = co_await socket_->receive();
    if (!message) co_return std::nullopt;
    co_return json::parse(message->data).as_object();
  }
  std::unique_ptr<net::websocket> socket_;
  std::deque<json::object> pushes_;
  std::int64_t last_id_ = 0;
};

/// What a test's body gets.
struct site {
  pg::pool& pool;
  hub_websocket::hub& hub;
  net::http_client& client;
  net::origin at;
  std::string conninfo;

  rt::task<person> sign_up(std::string first_name, std::chrono::milliseconds session = std::chrono::hours(1)) {
    person p;
    p.account = co_await store::accounts(pool).create({first_name + "@example.com", "", first_name, "Test", ""});
    p.token = domain::new_session_token();
    co_await store::sessions(pool).create(domain::session_hash(p.token), p.id(), domain::now() + session);
    co_return p;
  }
  rt::task<std::unique_ptr<tab>> connect(std::string token, net::headers more = {}) {
    net::request head{.target = "/hub", .headers = std::move(more)};
    if (!head.headers.contains("Origin")) head.headers.add("Origin", "http://" + at.authority());
    if (!token.empty()) head.headers.add("Cookie", std::string(domain::session_cookie_name) + "=" + token);
    co_return std::make_unique<tab>(co_await net::connect_websocket(client, at, std::move(head)));
  }
  /// Connected, and past the hello.
  rt::task<std::unique_ptr<tab>> open(const person& p) {
    auto t = co_await connect(p.token);
    auto hello = co_await t->push();
    EXPECT_TRUE(hello && (*hello)["event"] == "hello");
    co_return t;
  }
};

/// Runs a hub on a fresh database while `body` runs; waits first until changes arrive.
inline rt::task<void> with_hub(hub_websocket::hub_options options, std::function<rt::task<void>(site&)> body) {
  const auto conninfo = postgres_server::shared().create_database();
  pg::pool pool({.conninfo = conninfo});
  {
    auto session = co_await pool.acquire();
    co_await store::migrate(*session);
  }
  hub_websocket::hub hub(pool, pg::read_changes({.conninfo = conninfo, .publication = "atrium_changes"}), options);
  auto listener = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  net::http_server server([&hub](net::exchange& e) { return hub.handle(e); });
  net::http_client client;
  co_await rt::with_scope([&](rt::scope& background) -> rt::task<void> {
    background.spawn(hub.follow_changes(), "changes");
    background.spawn(hub.watch_sessions(), "sessions");
    const auto ready = [&] {
      try {
        return hub.check_ready(), true;
      } catch (const failure&) {
        return false;
      }
    };
    while (!ready()) co_await rt::sleep_for(std::chrono::milliseconds(2));
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn(server.serve(listener), "serve");
      site w{pool, hub, client, {.host = "127.0.0.1", .port = listener.local().port()}, conninfo};
      co_await body(w);
      co_await hub.drain(std::chrono::seconds(5));
      co_await server.drain(std::chrono::seconds(5));
    });
    background.cancel(rt::cancel_reason::shutdown);
  });
}

}  // namespace atrium::tests
