#include "apps/domain/crypto.hpp"
#include "tests/integration/hub_next/fixture.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;
using domain::state_name;

ATRIUM_ON_BACKENDS(Api);

/// Does what manage-action and manage-state do, for the next request.
rt::task<void> work(pg::pool& pool, std::string err = {}, std::string ip = "127.16.9.9") {
  store::project_actions actions(pool);
  std::vector<store::claimed_action> claims;
  while ((claims = co_await actions.claim({"worker"}, 1, 60s)).empty()) co_await rt::sleep_for(5ms);
  const auto& c = claims[0];
  if (err.empty()) {
    const bool stop = c.request.action == domain::action_name::stop;
    std::vector<store::state_update> updates(1);
    updates[0].project_id = c.project_id;
    updates[0].state =
        domain::project_state{stop ? state_name::opened : state_name::running, domain::now(), stop ? "" : ip, ""};
    co_await actions.set_states(updates);
  }
  EXPECT_TRUE(co_await actions.finish(c.project_id, c.fence, err));
}

TEST_P(Api, NeedsAnAccount) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    for (const char* name : {"projects/create", "projects/get", "projects/start", "projects/stop", "projects/update",
                             "projects/delete", "projects/collaborators/add", "projects/collaborators/remove",
                             "projects/collaborators/list", "exec", "user-query", "api-keys"})
      EXPECT_TRUE(error_in(co_await v.call(name)).starts_with("You are not signed in")) << name;
    v.set_key("sk-0123456789abcdef000001");
    EXPECT_TRUE(error_in(co_await v.call("projects/get")).starts_with("You are not signed in"));
  }));
}

TEST_P(Api, SignsUpInAndOut) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    const auto id = co_await v.join("ada");
    EXPECT_TRUE(domain::account_id::parse(id).has_value());
    EXPECT_TRUE(v.cookie().starts_with("atrium_session="));
    EXPECT_EQ(json::serialize(co_await v.call("auth/sign-out")), R"({"status":"success"})");
    EXPECT_EQ(v.cookie(), "");
    const auto back = co_await v.call("auth/sign-in", {{"email", "ada@example.org"}, {"password", "correct horse"}});
    EXPECT_EQ(back.at("account_id").as_string(), id);
    auto second = t.newcomer();
    const auto wrong = co_await second.call("auth/sign-in", {{"email", "ada@example.org"}, {"password", "wrong"}});
    EXPECT_TRUE(error_in(wrong).starts_with("The e-mail address or the password is wrong"));
    const auto bad = co_await second.call(
        "auth/sign-up",
        {{"email", "x"}, {"password", "correct horse"}, {"firstName", "A"}, {"lastName", "B"}, {"terms", true}});
    EXPECT_TRUE(bad.at("issues").as_object().contains("email"));
    EXPECT_TRUE(error_in(co_await second.call("auth/sign-up", {{"email", 7}})).find("email must be a text") !=
                std::string::npos);
    co_await second.call("auth/sign-in", {{"email", "ada@example.org"}, {"password", "correct horse"}});
    co_await second.call("auth/sign-out", {{"all", true}});
    EXPECT_NE(error_in(co_await v.call("projects/get")), "");
  }));
}

TEST_P(Api, KeysOpenTheSameDoors) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    const auto id = co_await v.join("ada");
    const auto made = co_await v.call("api-keys", {{"action", "create"}, {"name", "script"}});
    const auto& row = made.at("response").as_array().at(0).as_object();
    const std::string key(row.at("secret").as_string());
    auto script = t.newcomer();
    script.set_key(key);
    const auto created = co_await script.call("projects/create", {{"title", "By key"}});
    EXPECT_EQ((co_await v.call("projects/get")).as_array().size(), 1u);
    // Basic with the key as user; the Origin of a page does not matter then, because browsers do not send keys by
    // themselves.
    const auto basic = co_await t.newcomer().send(
        "POST", "/api/v2/projects/get", "{}",
        {{"Authorization", "Basic " + domain::base64url_encode(key + ":")}, {"Origin", "http://else.example"}});
    EXPECT_EQ(json::parse(basic.body).as_array().size(), 1u);
    // Credentials of a proxy before us are no key: the cookie counts, and with it the page that sent the request.
    EXPECT_EQ((co_await v.send("POST", "/api/v2/projects/get", "{}", {{"Authorization", "Basic dXNlcjpwdw=="}})).status,
              200u);
    EXPECT_EQ((co_await v.send("POST", "/api/v2/projects/get", "{}",
                               {{"Authorization", "Basic dXNlcjpwdw=="}, {"Origin", "http://else.example"}}))
                  .status,
              403u);
    const auto list = co_await v.call("api-keys", {{"action", "get"}});
    EXPECT_EQ(list.at("response").as_array().size(), 1u);
    EXPECT_FALSE(list.at("response").at(0).as_object().contains("secret"));
    EXPECT_TRUE(list.at("response").at(0).at("last_active").is_string());
    EXPECT_EQ(error_in(co_await v.call("api-keys", {{"action", "edit"}, {"id", row.at("id")}, {"name", "new"}})), "");
    EXPECT_EQ(error_in(co_await v.call("api-keys", {{"action", "delete"}, {"id", row.at("id")}})), "");
    EXPECT_NE(error_in(co_await script.call("projects/get")), "");
    EXPECT_NE(error_in(co_await v.call("api-keys", {{"action", "delete"}, {"id", row.at("id")}})), "");
  }));
}

TEST_P(Api, StrangersGetNothing) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto ada = t.newcomer(), eve = t.newcomer();
    co_await ada.join("ada");
    const auto eve_id = co_await eve.join("eve");
    const auto id = (co_await ada.call("projects/create", {{"title", "Secret"}})).at("project_id");
    for (const char* name : {"projects/start", "projects/stop", "projects/update", "projects/delete",
                             "projects/restore", "projects/collaborators/list"})
      EXPECT_EQ(error_in(co_await eve.call(name, {{"project_id", id}, {"title", "x"}})),
                "There is no such project among yours.")
          << name;
    EXPECT_EQ(error_in(co_await eve.call("projects/collaborators/add", {{"project_id", id}, {"account_id", eve_id}})),
              "There is no such project among yours.");
    EXPECT_EQ(error_in(co_await eve.call("exec", {{"project_id", id}, {"command", "id"}})),
              "There is no such project among yours.");
    EXPECT_EQ((co_await eve.call("projects/get")).as_array().size(), 0u);
    const auto query = co_await eve.call(
        "user-query", {{"query", {{"projects", json::array{{{"project_id", id}, {"title", nullptr}}}}}}});
    EXPECT_EQ(query.at("query").at("projects").as_array().size(), 0u);
    EXPECT_NE(
        error_in(co_await eve.call("user-query", {{"query", {{"projects", {{"project_id", id}, {"title", "Mine"}}}}}})),
        "");
    EXPECT_EQ((co_await ada.call("projects/get")).at(0).at("title"), "Secret");
  }));
}

TEST_P(Api, PeopleAreAddedListedAndRemoved) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto ada = t.newcomer(), bob = t.newcomer();
    const auto ada_id = co_await ada.join("ada"), bob_id = co_await bob.join("bob");
    const auto id = (co_await ada.call("projects/create", {{"title", "Shared"}})).at("project_id");
    EXPECT_EQ(json::serialize(co_await ada.call("projects/collaborators/add",
                                                {{"project_id", id}, {"email_address", "Bob@example.org"}})),
              R"({"status":"ok"})");
    const auto list = co_await bob.call("projects/collaborators/list", {{"project_id", id}});
    EXPECT_EQ(list.as_array().size(), 2u);
    EXPECT_EQ(list.at(0).at("account_id"), json::string(ada_id));
    EXPECT_EQ(list.at(0).at("group"), "owner");
    EXPECT_FALSE(list.at(0).as_object().contains("email_address"));
    EXPECT_EQ(error_in(co_await bob.call("projects/delete", {{"project_id", id}})),
              "Only an owner can delete a project. You can leave it instead.");
    EXPECT_EQ(error_in(co_await bob.call("projects/update", {{"project_id", id}, {"title", "Ours"}})), "");
    EXPECT_NE(error_in(co_await ada.call("projects/collaborators/add",
                                         {{"project_id", id}, {"email_address", "nobody@example.org"}})),
              "");
    EXPECT_EQ(
        error_in(co_await ada.call("projects/collaborators/remove", {{"project_id", id}, {"account_id", bob_id}})), "");
    EXPECT_EQ((co_await bob.call("projects/get")).as_array().size(), 0u);
    EXPECT_NE(
        error_in(co_await ada.call("projects/collaborators/remove", {{"project_id", id}, {"account_id", ada_id}})), "");
    EXPECT_EQ(error_in(co_await ada.call("projects/delete", {{"project_id", id}})), "");
    EXPECT_EQ((co_await ada.call("projects/get")).as_array().size(), 0u);
    EXPECT_EQ(error_in(co_await ada.call("projects/restore", {{"project_id", id}})), "");
    EXPECT_EQ((co_await ada.call("projects/get")).as_array().size(), 1u);
  }));
}

TEST_P(Api, StartAndStopAnswerWhenItIsDone) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    co_await v.join("ada");
    const auto id = (co_await v.call("projects/create", {{"title", "P"}})).at("project_id");
    t.scope.spawn(work(t.pool), "worker");
    EXPECT_EQ(json::serialize(co_await v.call("projects/start", {{"project_id", id}})), R"({"status":"ok"})");
    EXPECT_EQ(json::serialize(co_await v.call("projects/start", {{"project_id", id}})),
              R"({"status":"ok"})");  // runs already
    t.scope.spawn(work(t.pool), "worker");
    EXPECT_EQ(json::serialize(co_await v.call("projects/stop", {{"project_id", id}})), R"({"status":"ok"})");
    EXPECT_EQ(json::serialize(co_await v.call("projects/stop", {{"project_id", id}})), R"({"status":"ok"})");
    t.scope.spawn(work(t.pool, "No node has 4 GB of memory free."), "worker");
    EXPECT_EQ(error_in(co_await v.call("projects/start", {{"project_id", id}})), "No node has 4 GB of memory free.");
  }));
}

TEST_P(Api, QueriesSelectFilterAndSet) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    const auto account = co_await v.join("ada");
    const auto id = (co_await v.call("projects/create", {{"title", "One"}})).at("project_id");
    co_await v.call("projects/create", {{"title", "Two"}});
    const auto query = [&](json::value q) -> rt::task<json::value> {
      co_return co_await v.call("user-query", {{"query", std::move(q)}});
    };
    auto rows = (co_await query({{"projects", json::array{{{"project_id", nullptr}, {"title", "One"}}}}}))
                    .at("query")
                    .at("projects");
    EXPECT_EQ(json::serialize(rows), json::serialize(json::array{{{"project_id", id}, {"title", "One"}}}));
    EXPECT_EQ(
        json::serialize(co_await query({{"projects", {{"project_id", id}, {"title", "1"}, {"description", "d"}}}})),
        R"({"query":{}})");
    auto one =
        (co_await query(
             {{"projects", {{"project_id", id}, {"title", nullptr}, {"description", nullptr}, {"deleted", nullptr}}}}))
            .at("query")
            .at("projects");
    EXPECT_EQ(one.at("title"), "1");
    EXPECT_EQ(one.at("description"), "d");
    EXPECT_EQ(one.at("deleted"), false);
    EXPECT_EQ(
        error_in(co_await query({{"accounts", {{"first_name", "Augusta"}, {"other_settings", {{"theme", "dark"}}}}}})),
        "");
    const auto me =
        (co_await query(
             {{"accounts",
               {{"account_id", nullptr}, {"first_name", nullptr}, {"other_settings", nullptr}, {"groups", nullptr}}}}))
            .at("query")
            .at("accounts");
    EXPECT_EQ(json::serialize(me),
              R"({"account_id":")" + account +
                  R"(","first_name":"Augusta","other_settings":{"theme":"dark"},"groups":["admin"]})");
    EXPECT_EQ(error_in(co_await query({{"projects", {{"project_id", id}, {"action_request", {{"action", "start"}}}}}})),
              "");
    EXPECT_EQ((co_await store::projects(t.pool).get(domain::project_id::of(id.as_string())))->action_request->action,
              domain::action_name::start);

    EXPECT_EQ(error_in(co_await query({{"accounts", {{"password_hash", nullptr}}}})),
              "There is no field password_hash to ask for.");
    EXPECT_EQ(error_in(co_await query({{"projects", json::array{{{"secret_token", nullptr}}}}})),
              "There is no field secret_token to ask for.");
    EXPECT_EQ(error_in(co_await query({{"projects", {{"project_id", id}, {"users", json::object{}}}}})),
              "The field users cannot be set here.");
    EXPECT_EQ(error_in(co_await query({{"accounts", {{"groups", json::array{"admin"}}}}})),
              "The field groups cannot be set here.");
    EXPECT_NE(error_in(co_await query(
                  {{"accounts", {{"account_id", domain::account_id::make_random().view()}, {"first_name", "X"}}}})),
              "");
    EXPECT_EQ(error_in(co_await query({{"server_settings", {{"name", nullptr}}}})),
              "There is no table server_settings to query here.");
    for (const json::value& odd : {json::value(json::array{}), json::value(nullptr), json::value("x"),
                                   json::value(json::array{json::object{}, json::object{}})})
      EXPECT_NE(error_in(co_await query({{"projects", odd}})), "");
  }));
}

TEST_P(Api, RefusesWhatIsNoCall) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    co_await v.join("ada");
    EXPECT_EQ((co_await v.send("POST", "/api/v2/nothing", "{}")).status, 404u);
    EXPECT_EQ((co_await v.send("GET", "/api/v2/projects/create")).status, 405u);
    EXPECT_EQ((co_await v.send("PUT", "/api/v2/projects/get", "{}")).status, 405u);
    for (const char* body : {"{", "[]", "7", "\"x\"", "{\"a\":1}x", "\xff"})
      EXPECT_NE(error_in(json::parse((co_await v.send("POST", "/api/v2/projects/create", body)).body)), "") << body;
    std::string deep(10'000, '[');
    EXPECT_NE(error_in(json::parse((co_await v.send("POST", "/api/v2/projects/create", deep)).body)), "");
    EXPECT_NE(error_in(co_await v.call("projects/create", {{"title", ""}})), "");
    EXPECT_NE(error_in(co_await v.call("projects/create", {{"title", std::string("a\0b", 3)}})), "");
    EXPECT_NE(error_in(co_await v.call("projects/start", {{"project_id", "x"}})), "");
    EXPECT_EQ(
        (co_await v.send("POST", "/api/v2/projects/create", R"({"title":"x"})", {{"Origin", "http://evil.example"}}))
            .status,
        403u);
    EXPECT_EQ((co_await v.call("projects/get")).as_array().size(), 0u);
    EXPECT_EQ((co_await v.send("GET", "/api/v2/projects/get?limit=5")).body, "[]");
    const auto list = json::parse((co_await v.get("/api/v2")).body);
    EXPECT_GE(list.at("endpoints").as_array().size(), 16u);
    const auto page = co_await v.send("GET", "/api/v2", "", {{"Accept", "text/html,*/*"}});
    EXPECT_NE(page.body.find("projects/collaborators/add"), std::string::npos);
  }));
}

TEST_P(Api, ExecGoesToTheProjectWithItsSecret) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    co_await v.join("ada");
    const auto id = (co_await v.call("projects/create", {{"title", "P"}})).at("project_id");
    EXPECT_EQ(error_in(co_await v.call("exec", {{"project_id", id}, {"command", "echo"}})),
              "The project is not running. Start it first (projects/start).");
    const std::string ip = GetParam() == rt::backend_kind::epoll
                               ? "127.16.200.9"
                               : "127.16.200.8";  // no clash with a parallel run of the other
    t.scope.spawn(work(t.pool, "", ip), "worker");
    co_await v.call("projects/start", {{"project_id", id}});
    // Port 6000 of a pod, which says what it was asked.
    const auto secret =
        (co_await store::projects(t.pool).find_for_proxy(
             domain::project_id::of(id.as_string()),
             (co_await store::projects(t.pool).get(domain::project_id::of(id.as_string())))->users.begin()->first))
            ->secret_token;
    auto listener = rt::listener::bind(rt::endpoint::ip(ip, 6000));
    std::string authorization, asked;
    net::http_server pod([&](net::exchange& x) -> rt::task<void> {
      authorization = x.request().headers.find("Authorization").value_or("");
      asked = x.request().target + " " + co_await x.body().text();
      co_await x.respond(net::response::json(200, R"({"type":"blocking","stdout":"hi\n","stderr":"","exit_code":0})"));
    });
    t.scope.spawn(pod.serve(listener), "pod");
    const auto answer = co_await v.call("exec", {{"project_id", id}, {"command", "echo"}, {"args", json::array{"hi"}}});
    EXPECT_EQ(answer.at("stdout"), "hi\n");
    EXPECT_EQ(authorization, "Bearer " + secret);
    EXPECT_TRUE(asked.starts_with("/exec {")) << asked;
    const auto sent = json::parse(asked.substr(6)).as_object();
    EXPECT_FALSE(sent.contains("project_id"));
    EXPECT_EQ(sent.at("args"), (json::array{"hi"}));
    co_await pod.drain(1s);
    listener.close();
    EXPECT_EQ(error_in(co_await v.call("exec", {{"project_id", id}, {"command", "echo"}})),
              "The project does not answer. Try again in a moment, or restart the project.");
  }));
}

}  // namespace
}  // namespace atrium::tests
