// Handshake, methods, limits and the ends of connections.
#include <gmock/gmock.h>

#include "tests/integration/hub_websocket/fixture.hpp"

using namespace atrium;
using namespace atrium::tests;
using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(HubConnection);

namespace {

rt::task<disposition> connect_fails(site& w, std::string token, net::headers more) {
  try {
    co_await w.connect(std::move(token), std::move(more));
  } catch (const failure& f) {
    co_return f.disposition();
  }
  co_return disposition::unimplemented;
}

/// Reads what is left; the close code.
rt::task<int> close_code(tab& t) {
  try {
    while (co_await t.push()) {
    }
  } catch (const failure&) {
    co_return 1006;
  }
  co_return t.socket().close_reason() ? t.socket().close_reason()->code : 0;
}

}  // namespace

TEST_P(HubConnection, SaysHelloAndRefusesStrangers) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    auto t = co_await w.connect(ann.token);
    auto hello = (co_await t->push()).value();
    EXPECT_EQ(hello["event"], json::value("hello"));
    EXPECT_EQ(hello["account"].as_object()["account_id"], json::value(ann.account.account_id.str()));
    EXPECT_EQ(hello["account"].as_object()["email_address"], json::value("ann@example.com"));
    EXPECT_EQ(hello["account"].as_object()["groups"], json::value(json::array{"admin"})) << "the first account";
    EXPECT_FALSE(hello["version"].as_string().empty());

    auto stranger = co_await w.connect(domain::new_session_token());
    EXPECT_TRUE((co_await stranger->push()).value()["account"].is_null());
    co_await stranger->call("ping");
    for (const char* method : {"subscribe", "projects.create", "accounts.search", "api_keys.list", "no.such"})
      EXPECT_EQ(co_await stranger->refused(method), "unauthenticated") << method;
    EXPECT_EQ(co_await t->refused("no.such"), "unimplemented");
  }));
}

TEST_P(HubConnection, ForeignPagesAndApiKeysAreRefusedBeforeTheUpgrade) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const std::string own = "http://127.0.0.1:" + std::to_string(w.at.port);
    EXPECT_EQ(co_await connect_fails(w, ann.token, {{"Origin", "https://evil.example"}}), disposition::denied);
    EXPECT_EQ(co_await connect_fails(w, ann.token, {{"Origin", "null"}}), disposition::denied);
    EXPECT_EQ(co_await connect_fails(w, ann.token, {{"Authorization", "Bearer sk-abc"}}), disposition::invalid);
    auto t = co_await w.connect(ann.token, {{"Origin", own}});
    EXPECT_TRUE((co_await t->push()).value()["account"].is_object());
    const auto plain = co_await w.client.fetch(w.at, {.target = "/hub"});
    EXPECT_EQ(plain.status, 426u);
  }));
}

TEST_P(HubConnection, EveryMethodAnswers) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    auto t = co_await w.open(ann);
    const auto id =
        (co_await t->call("projects.create", {{"title", "One"}, {"description", "d"}})).as_object()["project_id"];
    const json::object project{{"project_id", id}};
    co_await t->call("projects.update", {{"project_id", id}, {"title", "Two"}});
    co_await t->call("projects.add_collaborator", {{"project_id", id}, {"email_address", "bob@example.com"}});
    const auto people = (co_await t->call("projects.collaborators", project)).as_array();
    EXPECT_EQ(people.size(), 2u);
    EXPECT_EQ(people[0].at("group"), json::value("owner"));
    EXPECT_EQ(people[1].at("account_id"), json::value(bob.id().str()));
    co_await t->call("projects.remove_collaborator", {{"project_id", id}, {"account_id", bob.id().view()}});
    co_await t->call("projects.start", project);
    EXPECT_TRUE((co_await t->call("projects.timeline", project)).as_object().contains("queued"));
    const auto log = (co_await t->call("projects.log", project)).as_array();
    const auto first = log.back().as_object();
    EXPECT_EQ(first.at("event").as_object().at("event"), json::value("created"));
    EXPECT_EQ(first.at("account_id"), json::value(ann.account.account_id.str()));
    const auto added = std::ranges::find_if(log, [](const json::value& e) {
      return e.as_object().at("event").as_object().at("event") == json::value("collaborator_added");
    });
    EXPECT_NE(added, log.end()) << json::serialize(log);
    if (added != log.end()) EXPECT_FALSE(added->as_object().at("event").as_object().at("name").is_null());
    EXPECT_EQ((co_await t->call("projects.log", {{"project_id", id}, {"limit", 1}})).as_array().size(), 1u);
    co_await t->call("projects.cancel_start", project);
    EXPECT_EQ(co_await t->refused("projects.cancel_start", project), "conflict");
    co_await t->call("projects.stop", project);
    co_await t->call("projects.restart", project);
    co_await t->call("projects.delete", project);
    co_await t->call("projects.undelete", project);
    const auto found = (co_await t->call("accounts.search", {{"query", "bo"}})).as_array();
    EXPECT_EQ(found.size(), 1u);
    EXPECT_FALSE(found[0].as_object().contains("email_address"));
    const auto me = (co_await t->call("accounts.update",
                                      {{"first_name", "Anne"}, {"other_settings", json::object{{"theme", "dark"}}}}))
                        .as_object();
    EXPECT_EQ(me.at("first_name"), json::value("Anne"));
    EXPECT_EQ(me.at("other_settings"), json::value(json::object{{"theme", "dark"}}));
    const auto key = (co_await t->call("api_keys.create", {{"name", "mine"}})).as_object();
    EXPECT_TRUE(std::string_view(key.at("secret").as_string()).starts_with("sk-"));
    const auto keys = (co_await t->call("api_keys.list")).as_array();
    EXPECT_EQ(keys.size(), 1u);
    EXPECT_FALSE(keys[0].as_object().contains("secret"));
    co_await t->call("api_keys.delete", {{"id", key.at("id")}});
    EXPECT_TRUE((co_await t->call("api_keys.list")).as_array().empty());
  }));
}

TEST_P(HubConnection, WrongRequestsGetOneClearAnswerEach) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    auto t = co_await w.open(ann);
    EXPECT_EQ(co_await t->refused("projects.create"), "invalid");
    EXPECT_EQ(co_await t->refused("projects.create", {{"title", 7}}), "invalid");
    EXPECT_EQ(co_await t->refused("projects.start", {{"project_id", "x"}}), "invalid");
    EXPECT_EQ(co_await t->refused("projects.start", {{"project_id", bob.id().view()}}), "not_found");
    EXPECT_EQ(co_await t->refused("subscribe", {{"query", "passwords"}}), "invalid");
    EXPECT_EQ(co_await t->refused("unsubscribe", {{"subscription", 99}}), "not_found");
    EXPECT_EQ(co_await t->refused("unsubscribe", {{"subscription", -1}}), "not_found");
    for (const char* text : {"", "null", "[]", "{", "{\"id\":1}", "{\"method\":\"ping\"}",
                             "{\"id\":\"x\",\"method\":\"ping\"}", "{\"id\":1,\"method\":7}",
                             "{\"id\":1.5,\"method\":\"ping\"}", "{\"id\":1,\"method\":\"ping\",\"params\":[]}"}) {
      co_await t->socket().send_text(text);
      const auto answer = json::parse((co_await t->socket().receive()).value().data).as_object();
      EXPECT_EQ(answer.at("error").at("code"), json::value("invalid")) << text;
    }
    std::string deep(100'000, '[');
    co_await t->socket().send_text("{\"id\":1,\"method\":\"ping\",\"params\":" + deep);
    EXPECT_TRUE((co_await t->socket().receive()).has_value());
    co_await t->socket().send_binary(rt::as_bytes("x"));
    EXPECT_NE((co_await t->socket().receive()).value().data.find("invalid"), std::string::npos);
    co_await t->call("ping");
  }));
}

TEST_P(HubConnection, TooManyAndTooLargeMessagesAreRefused) {
  hub_websocket::hub_options options;
  options.limits.requests_per_second = 0.001;
  options.limits.burst = 5;
  options.limits.refusals = 3;
  options.socket.message_bytes = 10'000;
  run(with_hub(options, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    auto t = co_await w.open(ann);
    for (int i = 0; i < 5; ++i) co_await t->call("ping");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await t->refused("ping"), "overloaded");
    EXPECT_EQ(co_await close_code(*t), 1008);
    auto large = co_await w.open(ann);
    co_await large->socket().send_text(std::string(20'000, 'x'));
    EXPECT_EQ(co_await close_code(*large), 1009);
  }));
}

TEST_P(HubConnection, EndedSessionsAreSignedOut) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    const auto bob = co_await w.sign_up("bob");
    const auto signed_out = [](tab& t) -> rt::task<void> {
      auto message = co_await rt::with_timeout(10s, t.push());
      EXPECT_TRUE(message && (*message)["event"] == "signed_out");
      EXPECT_EQ(co_await close_code(t), 4401);
    };
    auto one = co_await w.open(ann), two = co_await w.open(ann), other = co_await w.open(bob);
    const auto started = rt::clock::now();
    co_await store::sessions(w.pool).remove(domain::session_hash(ann.token));
    co_await signed_out(*one);
    co_await signed_out(*two);
    EXPECT_LT(rt::clock::now() - started, 5s);
    co_await other->call("ping");
    co_await w.pool.query("UPDATE accounts SET banned = true WHERE account_id = $1", {bob.id().view()});
    co_await signed_out(*other);

    const auto short_lived = co_await w.sign_up("carl", 400ms);
    auto expiring = co_await w.open(short_lived);
    co_await signed_out(*expiring);
  }));
}

TEST_P(HubConnection, DrainingTellsClientsToComeBack) {
  run(with_hub({}, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    auto t = co_await w.open(ann);
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn(w.hub.drain(5s), "drain");
      auto message = (co_await t->push()).value();
      EXPECT_EQ(message["event"], json::value("moving"));
      EXPECT_GE(message["after_ms"].to_number<int>(), 0);
      EXPECT_EQ(co_await close_code(*t), 1012);
    });
    EXPECT_EQ(w.hub.connections(), 0u);
    EXPECT_EQ(co_await connect_fails(w, ann.token, {}), disposition::overloaded);
  }));
}

TEST_P(HubConnection, AccountsMayNotHoardConnections) {
  hub_websocket::hub_options options;
  options.connections_of_account = 2;
  options.limits.subscriptions = 1;
  run(with_hub(options, [](site& w) -> rt::task<void> {
    const auto ann = co_await w.sign_up("ann");
    auto a = co_await w.open(ann), b = co_await w.open(ann);
    EXPECT_EQ(co_await connect_fails(w, ann.token, {}), disposition::overloaded);
    const auto s = (co_await a->call("subscribe", {{"query", "account"}})).as_object();
    EXPECT_EQ(co_await a->refused("subscribe", {{"query", "account"}}), "overloaded");
    co_await a->call("unsubscribe", {{"subscription", s.at("subscription")}});
    co_await a->call("subscribe", {{"query", "account"}});
  }));
}
