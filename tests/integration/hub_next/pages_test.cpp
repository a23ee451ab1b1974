#include "apps/hub-next/forms.hpp"
#include "apps/store/settings.hpp"
#include "tests/integration/hub_next/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(Pages);

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string ada = "email=ada%40example.org&password=correct+horse&first_name=Ada&last_name=Lovelace&terms=yes";

TEST_P(Pages, LandingIsSmallGuardedAndComplete) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    const auto page = co_await v.get("/");
    EXPECT_EQ(page.status, 200u);
    EXPECT_LT(page.body.size(), 30'000u);
    EXPECT_TRUE(has(page.body, "Work together in Linux projects"));
    EXPECT_TRUE(has(page.body, "action=\"/auth/sign-up\"") && has(page.body, "action=\"/auth/sign-in\""));
    EXPECT_TRUE(has(page.body, "The first account administers this site"));
    EXPECT_FALSE(has(page.body, "http://") && has(page.body, "src="));
    const std::string policy(page.headers.find("Content-Security-Policy").value_or(""));
    const auto at = policy.find("style-src 'nonce-");
    EXPECT_NE(at, std::string::npos);
    EXPECT_TRUE(has(page.body, "<style nonce=\"" + policy.substr(at + 17, 22) + "\">"));
    EXPECT_TRUE(policy.starts_with("default-src 'none'") && has(policy, "frame-ancestors 'none'") &&
                !has(policy, "unsafe"));
    EXPECT_NE(policy, (co_await v.get("/")).headers.find("Content-Security-Policy"));
    EXPECT_EQ(page.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(page.headers.find("Cache-Control"), "no-store");
    EXPECT_FALSE(page.headers.contains("Set-Cookie"));
    EXPECT_EQ((co_await v.send("HEAD", "/")).status, 200u);
  }));
}

TEST_P(Pages, FormsSignUpOutAndIn) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    auto answer = co_await v.form("/auth/sign-up", ada);
    EXPECT_EQ(answer.status, 303u);
    EXPECT_EQ(answer.headers.find("Location"), "/app/");
    const std::string set(answer.headers.find("Set-Cookie").value_or(""));
    EXPECT_TRUE(has(set, "HttpOnly") && has(set, "SameSite=Lax") && has(set, "Path=/") && !has(set, "Secure"));
    const auto first_cookie = v.cookie();
    EXPECT_EQ((co_await v.get("/")).headers.find("Location"), "/app/");
    EXPECT_EQ((co_await v.get("/auth/sign-in")).status, 303u);
    EXPECT_TRUE(has((co_await v.get("/auth/sign-out")).body, "signed in as Ada Lovelace"));

    answer = co_await v.form("/auth/sign-out", "");
    EXPECT_EQ(answer.headers.find("Location"), "/");
    EXPECT_EQ(v.cookie(), "");
    v.set_cookie(first_cookie);  // a copy of the cookie is worth nothing any more
    EXPECT_EQ((co_await v.get("/")).status, 200u);

    answer = co_await v.form("/auth/sign-in", "email=+ADA%40example.org&password=correct+horse&next=%2Fapp%2Fprojects");
    EXPECT_EQ(answer.status, 303u);
    EXPECT_EQ(answer.headers.find("Location"), "/app/projects");
    EXPECT_NE(v.cookie(), first_cookie);
  }));
}

TEST_P(Pages, BehindTlsCookiesAreSecure) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    const auto answer = co_await v.send(
        "POST", "/auth/sign-up", ada,
        {{"Origin", "https://atrium.example"}, {"X-Forwarded-Host", "atrium.example"}, {"X-Forwarded-Proto", "https"}});
    EXPECT_EQ(answer.status, 303u);
    EXPECT_TRUE(has(std::string(answer.headers.find("Set-Cookie").value_or("")), "; Secure"));
    EXPECT_TRUE(answer.headers.contains("Strict-Transport-Security"));
  }));
}

TEST_P(Pages, ErrorsStandBesideTheFieldAndKeepWhatWasTyped) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    auto page = co_await v.form("/auth/sign-up",
                                "email=%22%3E%3Cscript%3Ealert(1)%3C/"
                                "script%3E&password=correct+horse&first_name=Ada&last_name=%3Cb%3E&terms=yes");
    EXPECT_EQ(page.status, 400u);
    EXPECT_TRUE(has(page.body, "id=\"up-email-error\">This is not an e-mail address"));
    EXPECT_TRUE(has(page.body, "aria-describedby=\"up-email-error\""));
    EXPECT_TRUE(has(page.body, "value=\"Ada\"") && has(page.body, "value=\"&lt;b&gt;\"") && has(page.body, " checked"));
    EXPECT_FALSE(has(page.body, "<script>alert")) << "what was typed is escaped";
    EXPECT_FALSE(has(page.body, "correct horse"));
    page = co_await v.form("/auth/sign-up", "email=a%40b.c&password=short&first_name=A&last_name=B&terms=yes");
    EXPECT_TRUE(has(page.body, "id=\"up-password-error\">The password is too short"));
    page = co_await v.form("/auth/sign-up", "email=a%40b.c&password=correct+horse&first_name=A&last_name=B");
    EXPECT_TRUE(has(page.body, "id=\"up-terms-error\">Accept the terms"));
    co_await v.form("/auth/sign-up", ada);
    auto other = t.newcomer();
    page = co_await other.form("/auth/sign-up", ada);
    EXPECT_EQ(page.status, 409u);
    EXPECT_TRUE(has(page.body, "id=\"up-email-error\">There is already an account with this e-mail address"));
    EXPECT_EQ(other.cookie(), "");
    page = co_await other.form("/auth/sign-in", "email=ada%40example.org&password=");
    EXPECT_TRUE(has(page.body, "id=\"in-password-error\">Enter your password"));
    EXPECT_TRUE(has(page.body, "value=\"ada@example.org\""));
  }));
}

TEST_P(Pages, WrongPasswordsAndStrangersGetTheSameAnswerUntilTheLimit) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    co_await v.form("/auth/sign-up", ada);
    auto guesser = t.newcomer();
    const auto wrong = co_await guesser.form("/auth/sign-in", "email=ada%40example.org&password=wrong+horse");
    const auto stranger = co_await guesser.form("/auth/sign-in", "email=eve%40example.org&password=wrong+horse");
    EXPECT_EQ(wrong.status, 401u);
    EXPECT_EQ(stranger.status, 401u);
    const auto sentence = [](const std::string& body) { return body.substr(body.find("-error\">"), 80); };
    EXPECT_EQ(sentence(wrong.body), sentence(stranger.body));
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ((co_await guesser.form("/auth/sign-in", "email=ada%40example.org&password=wrong+horse")).status, 401u);
    const auto limited = co_await guesser.form("/auth/sign-in", "email=ada%40example.org&password=correct+horse");
    EXPECT_TRUE(has(limited.body, "Too many attempts"));
    EXPECT_EQ(guesser.cookie(), "");
  }));
}

TEST_P(Pages, FormsOfOtherSitesDoNothing) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    EXPECT_EQ((co_await v.send("POST", "/auth/sign-up", ada, {{"Origin", "https://evil.example"}})).status, 403u);
    EXPECT_EQ((co_await v.send("POST", "/auth/sign-up", ada, {{"Origin", "null"}})).status, 403u);
    EXPECT_EQ(v.cookie(), "");
    co_await v.form("/auth/sign-up", ada);
    EXPECT_EQ((co_await v.send("POST", "/auth/sign-out", "", {{"Sec-Fetch-Site", "cross-site"}})).status, 403u);
    EXPECT_EQ((co_await v.get("/")).status, 303u);
  }));
}

TEST_P(Pages, OnlyPathsOfOursAreGoneToAfterwards) {
  for (const char* next : {"//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)",
                           "/a\r\nSet-Cookie: x=y", "", "/auth/sign-out", "app"})
    EXPECT_EQ(hub_next::safe_next(next), "/app/") << next;
  EXPECT_EQ(hub_next::safe_next("/0b5c3a1e-7777-4aaa-8bbb-0123456789af/port/80/?a=b#c"),
            "/0b5c3a1e-7777-4aaa-8bbb-0123456789af/port/80/?a=b#c");
}

TEST_P(Pages, TellInWordsWhatDoesNotWork) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    co_await t.pool.query("DROP TABLE accounts CASCADE");
    for (const char* path : {"/", "/auth/sign-up"}) {
      const auto page = co_await v.get(path);
      EXPECT_GE(page.status, 400u);
      EXPECT_TRUE(has(page.body, "<h1>This did not work</h1>")) << page.body;
      EXPECT_FALSE(has(page.body, "relation")) << "text of the database stays inside";
    }
    EXPECT_EQ((co_await v.get("/policies/terms")).status, 200u);
    EXPECT_EQ(error_in(co_await v.call("auth/sign-in", {{"email", "a@b.c"}, {"password", "x"}})).find("relation"),
              std::string::npos);
  }));
}

TEST_P(Pages, InformationAndPolicies) {
  run(with_hub_next([](town& t) -> rt::task<void> {
    auto v = t.newcomer();
    EXPECT_TRUE(has((co_await v.get("/info")).body, "The calls of /api/v2") ||
                has((co_await v.get("/info")).body, "the calls of /api/v2"));
    for (const char* path : {"/policies", "/policies/terms", "/policies/privacy", "/policies/accessibility",
                             "/policies/imprint", "/auth/sign-in", "/auth/sign-up", "/auth/sign-out"})
      EXPECT_EQ((co_await v.get(path)).status, 200u) << path;
    co_await store::server_settings(t.pool).set("policy_imprint", "# <Us>\n\nStreet 1");
    co_await store::server_settings(t.pool).set("site_name", "Lab & Co");
    const auto page = co_await v.get("/policies/imprint");
    EXPECT_TRUE(has(page.body, "<h2>&lt;Us&gt;</h2><p>Street 1</p>"));
    EXPECT_TRUE(has(page.body, "<title>Imprint - Lab &amp; Co</title>"));
    for (const char* path : {"/policies/nothing", "/nothing", "/share/x", "/auth/x"})
      EXPECT_EQ((co_await v.get(path)).status, 404u) << path;
    EXPECT_EQ((co_await v.send("DELETE", "/auth/sign-in")).status, 405u);
  }));
}

}  // namespace
}  // namespace atrium::tests
