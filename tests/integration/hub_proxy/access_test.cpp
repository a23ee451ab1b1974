// Who gets in, what reaches the project, and what everyone else reads.
#include <gmock/gmock.h>

#include "apps/domain/user_header.hpp"
#include "tests/integration/hub_proxy/fixture.hpp"

namespace atrium::hub_proxy {
namespace {

using testing::HasSubstr;
using testing::Not;

using HubProxyAccess = hub_proxy_test;

std::string line_of(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 3;
  return text.substr(from, text.find('\n', from) - from);
}

TEST_F(HubProxyAccess, MembersGetInAndTheProjectLearnsWhoTheyAre) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto secret =
        (co_await store::projects(w.pool).find_for_proxy(w.project.project_id, w.ann.account.account_id))->secret_token;
    for (const auto* who : {&w.ann, &w.bob}) {
      const auto a = co_await w.get("/port/8888/a%2Fb/../c?x=1&y=%20", {{"Cookie", who->cookie()},
                                                                        {"Cookie", "remember_me=x; app=1"},
                                                                        {"X-Forwarded-For", "198.51.100.9"},
                                                                        {"X-Atrium-User", "forged"},
                                                                        {"Connection", "X-Atrium-User, Authorization"},
                                                                        {"Host", "hub.test"}});
      EXPECT_EQ(a.status, 200u);
      EXPECT_THAT(a.body, testing::StartsWith("GET /port/8888/a%2Fb/../c?x=1&y=%20\n"));
      EXPECT_EQ(line_of(a.body, "Authorization"), "Bearer " + secret);
      const auto identity = domain::verify_user_header(line_of(a.body, "X-Atrium-User"), secret, domain::now());
      EXPECT_TRUE(identity.has_value());
      if (identity) {
        EXPECT_EQ(identity->account_id, who->account.account_id);
        EXPECT_EQ(identity->name, who->account.full_name());
      }
      EXPECT_THAT(a.body, HasSubstr("Cookie: theme=dark\n"));
      EXPECT_THAT(a.body, HasSubstr("Cookie: app=1\n"));
      EXPECT_THAT(a.body, Not(HasSubstr(who->token)));
      EXPECT_THAT(a.body, Not(HasSubstr("remember_me")));
      EXPECT_EQ(line_of(a.body, "X-Forwarded-For"), "198.51.100.9");
      EXPECT_EQ(line_of(a.body, "X-Forwarded-Host"), "hub.test");
      EXPECT_EQ(line_of(a.body, "X-Forwarded-Prefix"), "/" + w.project.project_id.str());
    }
  });
}

TEST_F(HubProxyAccess, AnotherPersonsProjectLooksLikeNone) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto traced = trace::to_traceparent(trace::make());  // the same for both: answers tell it
    const net::headers fields{{"Cookie", w.eve.cookie()}, {"traceparent", traced}};
    const auto theirs = co_await w.get("/files/x", fields);
    const auto none = co_await w.client.fetch(
        w.hub, {.target = "/" + domain::project_id::make_random().str() + "/files/x", .headers = fields});
    EXPECT_EQ(theirs.status, 404u);
    EXPECT_EQ(none.status, 404u);
    EXPECT_EQ(theirs.body, none.body);
    const auto page = co_await w.get("/files/x", {{"Cookie", w.eve.cookie()}, {"Accept", "text/html,*/*"}});
    EXPECT_EQ(page.status, 404u);
    EXPECT_THAT(page.body, HasSubstr("<h1>No such project</h1>"));
  });
}

TEST_F(HubProxyAccess, NobodyIsToldToSignIn) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    for (net::headers h :
         {net::headers{}, net::headers{{"Cookie", "atrium_session=short"}},
          net::headers{{"Cookie", "atrium_session=" + domain::new_session_token()}},
          net::headers{{"Authorization", "Bearer sk-wrongwrongwrong000001"}, {"Cookie", w.ann.cookie()}}}) {
      const auto a = co_await w.get("/files/x", h);
      EXPECT_EQ(a.status, 401u);
      EXPECT_THAT(a.body, HasSubstr("\"error\":"));
      h.add("Accept", "text/html");
      const auto page = co_await w.get("/files/x", h);
      EXPECT_EQ(page.status, 401u);
      EXPECT_THAT(page.body, HasSubstr("/app/sign-in?next=/app/projects/" + w.project.project_id.str()));
    }
    // A cookie of the same name that somebody else has set does not lock people out.
    EXPECT_EQ((co_await w.get("/files/x",
                              {{"Cookie", "atrium_session=" + domain::new_session_token() + "; " + w.ann.cookie()}}))
                  .status,
              200u);
  });
}

TEST_F(HubProxyAccess, ApiKeysOpenWhatTheyAreFor) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    store::api_keys keys(w.pool);
    const auto whole = co_await keys.create(w.bob.account.account_id, "all");
    const auto own = co_await keys.create(w.bob.account.account_id, "own", w.project.project_id);
    const auto mine = co_await store::projects(w.pool).create({w.bob.account.account_id, "Other", ""});
    const auto other = co_await keys.create(w.bob.account.account_id, "other", mine.project_id);
    const auto strangers = co_await keys.create(w.eve.account.account_id, "eve");
    for (const auto& [key, status] :
         {std::pair(whole.secret, 200u), {own.secret, 200u}, {other.secret, 404u}, {strangers.secret, 404u}}) {
      const auto a = co_await w.get("/files/x", {{"Authorization", "Bearer " + key}});
      EXPECT_EQ(a.status, status);
      EXPECT_THAT(a.body, Not(HasSubstr(key)));
    }
    // Of the application's own credentials nothing is lost.
    const auto a =
        co_await w.get("/port/80/", {{"Cookie", w.ann.cookie()}, {"Authorization", "Basic YXBwOnNlY3JldA=="}});
    EXPECT_EQ(line_of(a.body, "X-Atrium-Authorization"), "Basic YXBwOnNlY3JldA==");
  });
}

TEST_F(HubProxyAccess, AddressesThatAreNone) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto id = w.project.project_id.str();
    for (const std::string& target :
         std::vector<std::string>{"/" + id, "/" + id + "/", "/" + id + "/nothing/x", "/" + id + "/files",
                                  "/" + id + "/ws/x", "/" + id + "/wss", "/x/files/y", "//" + id + "/files/y",
                                  std::string("/"), "/" + id.substr(1) + "/files/x", "/%2f" + id + "/files/x"})
      EXPECT_EQ((co_await w.client.fetch(w.hub, {.target = target, .headers = {{"Cookie", w.ann.cookie()}}})).status,
                404u)
          << target;
  });
}

TEST_F(HubProxyAccess, ProjectsThatDoNotRunSaySo) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const net::headers program{{"Cookie", w.ann.cookie()}}, page{{"Cookie", w.ann.cookie()}, {"Accept", "text/html"}};
    EXPECT_EQ((co_await w.get("/files/x", program)).status, 200u);
    for (const auto& [state, status, words] :
         {std::tuple("opened", 409u, "not running"), {"starting", 503u, "starting"}, {"stopping", 409u, "stopping"}}) {
      co_await w.set_state(state, "");
      for (;;) {  // until the hub has heard of it
        const auto a = co_await w.get("/files/x", program);
        if (a.status == status) break;
        EXPECT_TRUE(a.status == 200u || a.status == 409u || a.status == 503u) << a.status;
        co_await rt::yield();
      }
      const auto shown = co_await w.get("/files/x", page);
      EXPECT_EQ(shown.status, status);
      EXPECT_THAT(shown.body, HasSubstr(words));
      EXPECT_EQ(shown.headers.contains("Retry-After"), status == 503u);
    }
    co_await w.set_state("running", w.pod_ip);
    while ((co_await w.get("/files/x", program)).status != 200u) co_await rt::yield();
  });
}

TEST_F(HubProxyAccess, APodThatDoesNotListenIs502AndThePlaceIsReadAgain) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    co_await w.set_state("running", own_loopback_address());
    EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.ann.cookie()}})).status, 502u);
    EXPECT_THAT((co_await w.get("/files/x", {{"Cookie", w.ann.cookie()}, {"Accept", "text/html"}})).body,
                HasSubstr("does not answer"));
    co_await w.set_state("running", w.pod_ip);
    EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.ann.cookie()}})).status, 200u);
    for (auto ip : {"example.org", "127.0.0.1:80", "::g"}) {
      co_await w.set_state("running", ip);
      while ((co_await w.get("/files/x", {{"Cookie", w.ann.cookie()}})).status != 502u) co_await rt::yield();
    }
  });
}

rt::task<unsigned> refusal(world& w, net::headers h) {
  try {
    co_await w.open(std::move(h));
  } catch (const failure& f) {
    co_return static_cast<unsigned>(std::stoul(f.error().code().substr(5)));
  }
  co_return 101;
}

TEST_F(HubProxyAccess, PagesOfOtherSitesCannotUseACookie) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto cookie = w.ann.cookie();
    EXPECT_EQ(co_await refusal(w, {{"Cookie", cookie}}), 403u);
    for (auto origin : {"https://evil.test", "null", "http://127.0.0.1.evil.test", "http://127.0.0.1"})
      EXPECT_EQ(co_await refusal(w, {{"Cookie", cookie}, {"Origin", origin}}), 403u) << origin;
    EXPECT_EQ(co_await refusal(w, {{"Cookie", cookie}, {"Origin", w.origin_of_hub()}}), 101u);
    const auto key = co_await store::api_keys(w.pool).create(w.ann.account.account_id, "k");
    EXPECT_EQ(co_await refusal(w, {{"Authorization", "Bearer " + key.secret}}), 101u);
    EXPECT_EQ(co_await refusal(w, {{"Authorization", "Bearer " + key.secret}, {"Origin", "https://evil.test"}}), 403u);
    EXPECT_EQ(co_await refusal(w, {}), 403u);
    EXPECT_EQ(co_await refusal(w, {{"Origin", w.origin_of_hub()}}), 401u);
    EXPECT_EQ(co_await refusal(w, {{"Origin", w.origin_of_hub()}, {"Cookie", w.eve.cookie()}}), 404u);
    const auto post = [&](const char* site) {
      return w.client.fetch(
          w.hub, {.method = "POST", .target = w.path("/port/1/x"), .headers = {{"Cookie", cookie}, {"Origin", site}}},
          "body");
    };
    EXPECT_EQ((co_await post("https://evil.test")).status, 403u);
    EXPECT_EQ((co_await post(w.origin_of_hub().c_str())).body, "4");
  });
}

TEST_F(HubProxyAccess, LargeUploadsPass) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    std::string data(20'000'000, 'u');
    const auto a = co_await w.client.fetch(
        w.hub, {.method = "PUT", .target = w.path("/files/large"), .headers = {{"Cookie", w.ann.cookie()}}}, data);
    EXPECT_EQ(a.body, "20000000");
  });
}

TEST_F(HubProxyAccess, ContentOfAProjectCannotActForTheOrigin) {
  auto pod = [](net::exchange& e) -> rt::task<void> {
    const auto path = e.request().path();
    const bool html = path.ends_with(".html");
    net::response r{
        .status = 200, .headers = {{"Content-Type", html ? "Text/HTML; charset=utf-8" : "image/png"}}, .body = "x"};
    r.headers.add("Set-Cookie", "atrium_session=fixed; Path=/");
    r.headers.add("Set-Cookie", "mine=1; Domain=test; Path=/");
    r.headers.add("Clear-Site-Data", "\"*\"");
    r.headers.add("Content-Security-Policy", "script-src *");
    co_await e.respond(std::move(r));
  };
  run(pod, [](world& w) -> rt::task<void> {
    const auto page = co_await w.get("/files/a.html", {{"Cookie", w.ann.cookie()}});
    EXPECT_EQ(page.headers.find("Content-Security-Policy"), "sandbox allow-downloads allow-popups");
    EXPECT_EQ(page.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_THAT(page.headers.all("Set-Cookie"), testing::ElementsAre("mine=1; Path=/"));
    EXPECT_FALSE(page.headers.contains("Clear-Site-Data"));
    EXPECT_EQ((co_await w.get("/raw/a.png", {{"Cookie", w.ann.cookie()}})).headers.find("Content-Security-Policy"),
              "script-src *");
    EXPECT_EQ((co_await w.get("/port/1/a.html", {{"Cookie", w.ann.cookie()}})).headers.find("Content-Security-Policy"),
              "script-src *");
  });
}

TEST_F(HubProxyAccess, WorkIsRecordedAsActivity) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    co_await w.pool.query("UPDATE projects SET last_edited = NULL, last_active = NULL WHERE project_id = $1::uuid",
                          {w.project.project_id.view()});
    EXPECT_EQ((co_await w.get("/files/x", {{"Cookie", w.bob.cookie()}})).status, 200u);
    for (;;) {
      const auto rows = co_await w.pool.query(
          "SELECT last_edited IS NOT NULL AND last_active ? $2 AS seen FROM projects WHERE project_id = $1::uuid",
          {w.project.project_id.view(), w.bob.account.account_id.view()});
      if (rows.one().get<std::optional<bool>>("seen").value_or(false)) break;
      co_await rt::sleep_for(std::chrono::milliseconds(5));
    }
  });
}

}  // namespace
}  // namespace atrium::hub_proxy
