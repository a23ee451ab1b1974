// Who gets in, what a session says, and what happens to requests that are none.
#include "tests/integration/project/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(Session);

PROJECT_TEST(Session, OnlyHubsWithTheSecretGetIn) {
  net::http_client client;
  for (const auto& at : {server.browsers(), server.hubs()})
    for (const char* path : {"/alive", "/ready"}) EXPECT_EQ((co_await client.fetch(at, {.target = path})).status, 200u);
  for (const char* header :
       {"", "Bearer wrong", "Bearer ", "Basic correct-horse-battery-staple", "Bearer correct-horse-battery-stapl"}) {
    net::headers h;
    if (*header) h.add("Authorization", header);
    EXPECT_EQ((co_await client.fetch(server.browsers(), {.target = "/files/x", .headers = h})).status, 401u) << header;
    EXPECT_EQ((co_await client.fetch(server.browsers(), {.target = "/port/80/", .headers = h})).status, 401u) << header;
    EXPECT_EQ((co_await client.fetch(server.hubs(), {.target = "/status", .headers = h})).status, 401u) << header;
    EXPECT_EQ((co_await client.fetch(server.hubs(), {.target = "/metrics", .headers = h})).status, 401u) << header;
    for (const char* path : {"/metrics", "/debug/tasks"})
      EXPECT_EQ((co_await client.fetch(server.browsers(), {.target = path, .headers = h})).status, 404u) << path;
    EXPECT_EQ((co_await client.fetch(server.hubs(), {.method = "POST", .target = "/exec", .headers = h}, "{}")).status,
              401u);
  }
}

PROJECT_TEST(Session, AWebSocketNeedsAPersonThatAHubSignedFor) {
  net::http_client client;
  auto forged = identity(ann, "Ann");
  forged.set(domain::user_header_name, domain::sign_user_header({ann, "Ann", domain::now() + 300s}, "another secret"));
  for (const auto& h : {net::headers{{"Authorization", "Bearer " + secret}}, forged, identity(ann, "Ann", -1s)}) {
    try {
      co_await net::connect_websocket(client, server.browsers(), {.target = "/ws", .headers = h});
      ADD_FAILURE() << "it was let in";
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::unauthenticated);
    }
  }
}

PROJECT_TEST(Session, SaysHelloAndWhoIsThere) {
  auto a = co_await browser::connect(server, ann, "Ann");
  const auto hello = co_await a->event("hello");
  EXPECT_EQ(text_of(hello.at("project_id")), project_id);
  EXPECT_EQ(text_of(hello.at("user").at("name")), "Ann");
  EXPECT_EQ(text_of(hello.at("user").at("account_id")), ann.view());
  auto b = co_await browser::connect(server, bob, "Bob \"the\" ü");
  co_await a->event("presence", [](const auto& e) { return e.at("users").as_array().size() == 2; });
  const auto there = co_await b->event("presence");
  EXPECT_EQ(there.at("users").as_array().size(), 2u);
  b.reset();
  co_await a->event("presence", [](const auto& e) { return e.at("users").as_array().size() == 1; });
}

PROJECT_TEST(Session, EveryRequestHasOneAnswerAndNonsenseHasAClearOne) {
  auto a = co_await browser::connect(server);
  co_await a->call("ping");
  EXPECT_EQ((co_await a->refused("no.such")).disposition(), disposition::invalid);
  EXPECT_NE((co_await a->refused("files.list", {{"path", 5}})).public_text().find("path"), std::string::npos);
  for (const char* text :
       {"", "{", "[]", "5", "{\"method\":\"ping\"}", "{\"id\":{},\"method\":\"ping\"}", "\"\\ud800\""}) {
    co_await a->send_raw(text);
    co_await a->until([&] { return !a->strays.empty(); });
    EXPECT_TRUE(a->strays.front().contains("error")) << text;
    a->strays.pop_front();
  }
  co_await a->send_raw(R"({"id":"mine","method":"ping","params":[]})");
  co_await a->until([&] { return !a->strays.empty(); });
  EXPECT_EQ(text_of(a->strays.front().at("id")), "mine");
  EXPECT_TRUE(a->strays.front().contains("error"));
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(co_await a->send("files.list", {{"path", ""}}));
  std::size_t listed = 0, refused = 0;
  for (const auto id : ids) {
    try {
      co_await a->answer(id);
      ++listed;
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::overloaded);
      ++refused;
    }
  }
  EXPECT_EQ(listed + refused, 200u);
  EXPECT_GE(listed, 64u);
}

PROJECT_TEST(Session, StatusCountsAndActivityIsNoticed) {
  auto a = co_await browser::connect(server);
  const auto before = co_await a->call("status");
  EXPECT_EQ(number_of(before.at("connections")), 1);
  EXPECT_GT(number_of(before.at("memory_bytes")), 0);
  co_await rt::sleep_for(5ms);
  co_await a->call("files.list", {{"path", ""}});
  net::http_client client;
  const auto idle = json::parse((co_await client.fetch(server.hubs(), from_hub("GET", "/status"))).body);
  EXPECT_EQ(number_of(idle.at("last_activity")), number_of(before.at("last_activity")))
      << "looking at a list is no activity";
  co_await a->call("activity");
  const auto after = json::parse((co_await client.fetch(server.hubs(), from_hub("GET", "/status"))).body);
  EXPECT_GT(number_of(after.at("last_activity")), number_of(before.at("last_activity")));
}

PROJECT_TEST(Session, AStoppingServerTellsItsBrowsers) {
  auto a = co_await browser::connect(server);
  co_await a->call("ping");
  rt::scope tasks(&co_await rt::this_task());
  rt::exit_status status;
  const auto stop = [&]() -> rt::task<void> { status = co_await server.stop(); };
  tasks.spawn(stop(), "stop");
  try {
    for (;;) co_await a->read_one();
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected);
  }
  EXPECT_TRUE(a->socket().close_reason());
  EXPECT_EQ(a->socket().close_reason()->code, 1012);
  co_await tasks.join();
  EXPECT_EQ(status.code, 0);
}

}  // namespace
}  // namespace atrium::tests
