// Signing in: sessions that somebody else planted, and guesses.
#include "tests/integration/security/stage.hpp"

namespace atrium::tests {
namespace {

using testing::HasSubstr;
using testing::Not;
using Access = security;

/// The whole of an answer but its request's trace id, which is another one each time.
std::string without_trace(const std::string& body) {
  auto v = json::parse(body);
  if (v.is_object()) v.as_object().erase("trace");
  return json::serialize(v);
}

TEST_F(Access, SessionFixation) {
  auto body = []() -> rt::task<void> {
    const std::string fixed(43, 'f');
    for (const auto& planted : {fixed, token_of(eve())}) {
      const auto a =
          co_await system().client().fetch(system().address(),
                                           {.method = "POST",
                                            .target = "/api/v2/auth/sign-in",
                                            .headers = {{"Cookie", "atrium_session=" + planted},
                                                        {"Origin", own_origin()},
                                                        {"Content-Type", "application/json"}}},
                                           R"({"email":"bob@example.org","password":"correct horse battery"})");
      const auto set = a.headers.find("Set-Cookie").value_or("");
      EXPECT_THAT(std::string(set), testing::StartsWith("atrium_session=")) << a.body;
      EXPECT_THAT(std::string(set), Not(HasSubstr(planted))) << "a session is always new";
      EXPECT_THAT(std::string(set), testing::AllOf(HasSubstr("HttpOnly"), HasSubstr("SameSite")));
      const auto by_planted =
          co_await nobody().request("POST", "/api/v2/projects/get", {{"Cookie", "atrium_session=" + planted}}, "{}");
      EXPECT_THAT(by_planted.body, Not(HasSubstr(project()))) << "the planted one did not become Bob's";
      // A session that was signed out is nothing any more.
      const auto mine = std::string(set.substr(0, set.find(';')));
      co_await nobody().request("POST", "/api/v2/auth/sign-out", {{"Cookie", mine}}, "{}");
      EXPECT_THAT((co_await nobody().request("POST", "/api/v2/projects/get", {{"Cookie", mine}}, "{}")).body,
                  HasSubstr("error"));
    }
  };
  run(body());
}

TEST_F(Access, WrongPasswordsAreThrottledWhateverTheClientSaysOfItself) {
  auto body = []() -> rt::task<void> {
    person victim(system());
    co_await victim.sign_up("victim@example.org", "Vic");
    const auto attempt = [](std::string password, int n) -> rt::task<std::string> {
      const auto a = co_await nobody().request(
          "POST", "/api/v2/auth/sign-in",
          {{"X-Forwarded-For", "198.51.100." + std::to_string(n)}, {"X-Real-IP", "198.51.100." + std::to_string(n)}},
          json::serialize(json::object{{"email", n % 2 ? "victim@example.org" : " Victim@Example.ORG "},
                                       {"password", std::move(password)}}));
      co_return a.body;
    };
    const auto unknown = co_await nobody().request(
        "POST", "/api/v2/auth/sign-in", {}, R"({"email":"nobody-here@example.org","password":"wrong password"})");
    for (int n = 0; n < 5; ++n)
      EXPECT_EQ(without_trace(co_await attempt("wrong password", n)), without_trace(unknown.body))
          << "the answer does not tell who has an account";
    EXPECT_THAT(co_await attempt("correct horse battery", 6), HasSubstr("Too many attempts"))
        << "also with the right password";
    EXPECT_THAT(co_await attempt("correct horse battery", 7), Not(HasSubstr("account_id")));
    EXPECT_FALSE(refused(co_await victim.api("projects/get", json::object{}))) << "who is signed in is not disturbed";

    // Guesses at many people's passwords are counted by where they come from, which is not what they say.
    const auto guess = [](const std::string& n) -> rt::task<std::string> {
      const auto form = R"({"email":"guess)" + n + R"(@example.org","password":"wrong password"})";
      co_return co_await say("POST /api/v2/auth/sign-in HTTP/1.1\r\n" + fields_of(nobody()) +
                                 "Connection: close\r\nX-Forwarded-For: 198.51.100." + n +
                                 "\r\nX-Real-IP: 198.51.100." + n + "\r\nContent-Type: application/json\r\n" +
                                 "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form,
                             "127.0.0.8");
    };
    constexpr int in_an_hour = 200;
    int guesses = 0;
    while (guesses <= in_an_hour &&
           (co_await guess(std::to_string(guesses))).find("Too many attempts") == std::string::npos)
      ++guesses;
    EXPECT_LE(guesses, in_an_hour);
    person other(system());
    EXPECT_FALSE(refused(
        co_await other.api("auth/sign-in", {{"email", "bob@example.org"}, {"password", "correct horse battery"}})))
        << "people elsewhere are not disturbed";
  };
  run(body());
}

}  // namespace
}  // namespace atrium::tests
