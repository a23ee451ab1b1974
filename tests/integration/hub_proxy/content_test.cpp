// The content origin: ports and pages of projects under host names of their own, let in by passes.
#include <gmock/gmock.h>

#include "apps/domain/content.hpp"
#include "tests/integration/hub_proxy/fixture.hpp"

namespace atrium::hub_proxy {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Content : public hub_proxy_test {
 protected:
  Content() { content_host_ = "localhost"; }
};

const std::string page = "text/html,application/xhtml+xml";

std::string host_of(const world& w, std::uint16_t port) {
  return domain::content_host_name({w.project.project_id, port}, "localhost") + ":" + std::to_string(w.hub.port);
}
rt::task<net::http_client::whole> at_host(world& w, std::string host, std::string target, net::headers h,
                                          std::string method = "GET") {
  h.set("Host", host);
  co_return co_await w.client.fetch(w.hub, {.method = method, .target = std::move(target), .headers = std::move(h)});
}
std::string location(const net::http_client::whole& a) { return std::string(a.headers.find("Location").value_or("")); }

/// From the application by its redirects to where a page is shown: the cookie line for there, and the last Location.
struct arrival {
  std::string cookie, at;
};
rt::task<arrival> enter(world& w, const person& p, std::string path, std::uint16_t port) {
  const auto sent = co_await w.get(path, {{"Cookie", p.cookie()}, {"Accept", page}});
  EXPECT_EQ(sent.status, 303u) << sent.body;
  EXPECT_EQ(sent.headers.find("Referrer-Policy"), "no-referrer");
  const auto to = location(sent), base = "http://" + host_of(w, port);
  EXPECT_THAT(to, StartsWith(base + "/.atrium/enter?pass="));
  const auto entered = co_await at_host(w, host_of(w, port), to.substr(base.size()), {{"Accept", page}});
  EXPECT_EQ(entered.status, 303u) << entered.body;
  const std::string set(entered.headers.find("Set-Cookie").value_or(""));
  EXPECT_THAT(set, testing::AllOf(StartsWith("atrium_content="), HasSubstr("HttpOnly"), HasSubstr("SameSite=Lax"),
                                  Not(HasSubstr("Domain"))));
  co_return arrival{set.substr(0, set.find(';')), location(entered)};
}

TEST_F(Content, APortIsShownAtItsOwnHostAndNowhereElseBySession) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    for (const std::string& path : {"/port/8888/a/b?c=d%26e", "/server/8888/a/b?c=d%26e", "/proxy/8888/a/b?c=d%26e"}) {
      const auto in = co_await enter(w, w.ann, path, 8888);
      EXPECT_EQ(in.at, "/a/b?c=d%26e");
      const auto a = co_await at_host(w, host_of(w, 8888), in.at, {{"Cookie", in.cookie + "; own=1"}});
      EXPECT_EQ(a.status, 200u);
      EXPECT_THAT(a.body, StartsWith("GET /proxy/8888/a/b?c=d%26e\n"));
      EXPECT_THAT(a.body, testing::AllOf(HasSubstr("own=1"), Not(HasSubstr("atrium_content")),
                                         Not(HasSubstr("X-Forwarded-Prefix"))));
    }
    const auto script = co_await w.get("/port/8888/x.js", {{"Cookie", w.ann.cookie()}});
    EXPECT_EQ(script.status, 403u);
    EXPECT_THAT(script.body, HasSubstr("http://" + host_of(w, 8888) + "/"));
    EXPECT_EQ((co_await w.client.fetch(w.hub,
                                       {.method = "POST",
                                        .target = w.path("/port/8888/x"),
                                        .headers = {{"Cookie", w.ann.cookie()}, {"Origin", w.origin_of_hub()}}},
                                       "x"))
                  .status,
              403u);
    const auto bad = co_await w.get("/port/0/", {{"Cookie", w.ann.cookie()}, {"Accept", page}});
    EXPECT_THAT(bad.body, StartsWith("GET /port/0/")) << "the project says what is wrong with it";
  });
}

TEST_F(Content, APassIsGoodForItsPlaceAlone) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto in = co_await enter(w, w.ann, "/port/8888/", 8888);
    for (const auto& host : {host_of(w, 8889), host_of(w, 0)})
      EXPECT_EQ((co_await at_host(w, host, "/", {{"Cookie", in.cookie}})).status, 401u) << host;
    EXPECT_EQ((co_await w.get("/files/", {{"Cookie", in.cookie}})).status, 401u) << "not at the application";
    EXPECT_EQ((co_await at_host(w, host_of(w, 8888), "/", {{"Cookie", w.ann.cookie()}})).status, 401u)
        << "the session cookie is nothing here";
    const auto sent = co_await w.get("/port/8888/", {{"Cookie", w.ann.cookie()}, {"Accept", page}});
    const auto to = location(sent);
    const auto pass = to.substr(to.find("pass=") + 5, to.find('&') - to.find("pass=") - 5);
    EXPECT_EQ((co_await at_host(w, host_of(w, 8888), "/", {{"Cookie", "atrium_content=" + pass}})).status, 401u)
        << "what stands in an address is no cookie";
    const auto value = in.cookie.substr(in.cookie.find('=') + 1);
    for (const auto& wrong : {value, pass + "0", std::string("x"), std::string()})
      EXPECT_EQ((co_await at_host(w, host_of(w, 8888), "/.atrium/enter?to=/&pass=" + wrong, {})).status, 401u) << wrong;
    const domain::content_pass forged{.place = {w.project.project_id, 8888},
                                      .session_hash = domain::session_hash(w.ann.token),
                                      .expires = domain::now() + std::chrono::hours(1)};
    EXPECT_EQ((co_await at_host(w, host_of(w, 8888), "/",
                                {{"Cookie", "atrium_content=" + domain::sign_content_pass(forged, "guess")}}))
                  .status,
              401u);
  });
}

TEST_F(Content, NobodyIsSentToAForeignHost) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto sent = co_await w.get("/port/8888/", {{"Cookie", w.ann.cookie()}, {"Accept", page}});
    auto to = location(sent);
    const auto entrance = to.substr(to.find("/.atrium"), to.find("&to=") - to.find("/.atrium"));
    for (const char* foreign :
         {"//evil.test/", "/%5Cevil.test", "https://evil.test", "/a%0d%0aX:%20y", "%2F%2Fevil.test"})
      EXPECT_EQ(location(co_await at_host(w, host_of(w, 8888), entrance + "&to=" + foreign, {})), "/") << foreign;
    for (const std::string& host : {"x.localhost:1", "8888-.localhost", "127.0.0.1.localhost"}) {
      const auto a = co_await at_host(w, host, "/", {{"Cookie", w.ann.cookie()}});
      EXPECT_EQ(a.status, 404u) << host;
      EXPECT_EQ((co_await at_host(w, host, w.path("/files/"), {{"Cookie", w.ann.cookie()}})).status, 404u)
          << "the application's paths are not there: " << host;
    }
    const auto far = co_await at_host(w, "atrium.example.org", w.path("/port/8888/"),
                                      {{"Cookie", w.ann.cookie()}, {"Accept", page}});
    EXPECT_EQ(far.status, 400u);
    EXPECT_THAT(far.body, HasSubstr("ATRIUM_CONTENT_HOST"));
  });
}

TEST_F(Content, FilesAreReadThereAndNothingElse) {
  run(
      [](net::exchange& e) -> rt::task<void> {
        co_await e.respond(net::response::html(200, "<script>1</script>" + e.request().target));
      },
      [](world& w) -> rt::task<void> {
        const auto in = co_await enter(w, w.ann, "/raw/a%20b/report.html?x", 0);
        EXPECT_EQ(in.at, "/a%20b/report.html?x");
        const auto a = co_await at_host(w, host_of(w, 0), in.at, {{"Cookie", in.cookie}});
        EXPECT_THAT(a.body, HasSubstr("/raw/a%20b/report.html?x"));
        EXPECT_THAT(std::string(a.headers.find("Content-Security-Policy").value_or("")),
                    HasSubstr("sandbox allow-scripts allow-same-origin"));
        for (const char* method : {"PUT", "POST", "DELETE"})
          EXPECT_EQ((co_await at_host(w, host_of(w, 0), "/x",
                                      {{"Cookie", in.cookie}, {"Origin", "http://" + host_of(w, 0)}}, method))
                        .status,
                    403u)
              << method;
        // A picture on a page of the application stays there.
        const auto picture = co_await w.get("/raw/a.svg", {{"Cookie", w.ann.cookie()}});
        EXPECT_EQ(picture.headers.find("Content-Security-Policy"), "sandbox allow-downloads allow-popups");
      });
}

TEST_F(Content, WebsocketsComeFromPagesOfTheSameHost) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    const auto in = co_await enter(w, w.bob, "/port/8888/", 8888);
    const auto open = [&](std::string origin) {
      net::headers h{{"Host", host_of(w, 8888)}, {"Cookie", in.cookie}};
      if (!origin.empty()) h.set("Origin", origin);
      return net::connect_websocket(w.client, w.hub, {.target = "/socket", .headers = std::move(h)});
    };
    auto ws = co_await open("http://" + host_of(w, 8888));
    co_await ws->send(false, rt::as_bytes(std::string_view("hello")));
    EXPECT_EQ((co_await ws->receive())->data, "hello");
    for (const std::string& origin :
         {std::string(), w.origin_of_hub(), "http://" + host_of(w, 8889), std::string("null")}) {
      bool refused = false;
      try {
        co_await open(origin);
      } catch (const failure& f) {
        refused = f.error().code() == "http.403";
      }
      EXPECT_TRUE(refused) << origin;
    }
    // The end of the session ends what is open there, too.
    co_await store::sessions(w.pool).remove(domain::session_hash(w.bob.token));
    bool cut = false;
    try {
      cut = !co_await ws->receive();
    } catch (const failure&) {
      cut = true;
    }
    EXPECT_TRUE(cut);
    EXPECT_EQ((co_await at_host(w, host_of(w, 8888), "/", {{"Cookie", in.cookie}})).status, 401u);
  });
}

TEST_F(Content, StrangersGetNoPass) {
  run(telling_pod, [](world& w) -> rt::task<void> {
    EXPECT_EQ((co_await w.get("/port/8888/", {{"Cookie", w.eve.cookie()}, {"Accept", page}})).status, 404u);
    EXPECT_EQ((co_await w.get("/port/8888/", {{"Accept", page}})).status, 401u);
    const auto a = co_await at_host(w, host_of(w, 8888), "/", {{"Accept", page}});
    EXPECT_EQ(a.status, 401u);
    EXPECT_THAT(a.body, Not(HasSubstr("href"))) << "the application is at another origin";
    EXPECT_EQ(a.headers.find("Location"), std::nullopt);
  });
}

}  // namespace
}  // namespace atrium::hub_proxy
