// Requests that two servers could read in two ways, and heads that lie about where they come from, through the real
// path edge -> hub-proxy -> project server -> a server in the project. What counts is what that server received, byte
// for byte. Each advisory of another product has its own case.
#include "tests/integration/security/stage.hpp"

namespace atrium::tests {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Smuggling = security;

/// A request that is refused: the one answer to what was said, of which nothing was passed on.
void expect_refused_whole(std::string_view answer, std::string_view heard, std::string_view what) {
  EXPECT_TRUE(status_of(answer) == 400 || status_of(answer) == 501) << what << "\n" << answer.substr(0, 300);
  EXPECT_EQ(answers_in(answer), 1u) << what << "\n" << answer;
  EXPECT_EQ(heard, "") << what;
}

TEST_F(Smuggling, AmbiguousFramingIsRefusedAndNothingArrives) {
  auto body = []() -> rt::task<void> {
    const auto hidden = "GET " + telling("/framing-hidden") + " HTTP/1.1\r\n" + fields_of(ada()) + "\r\n";
    const std::pair<const char*, std::string> framings[] = {
        {"CL.TE", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"},
        {"TE.TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
        {"TE list", "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"},
        {"TE not last", "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
        {"TE tab", "Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n"},
        {"TE space before colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
        {"TE folded", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
        {"CL twice", "Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde"},
        {"CL list", "Content-Length: 0, 0\r\n\r\n"},
        {"CL sign", "Content-Length: +0\r\n\r\n"},
        {"CL hex", "Content-Length: 0x0\r\n\r\n"},
        {"CL overflow", "Content-Length: 18446744073709551616\r\n\r\n"},
        {"bare LF", "X: a\nContent-Length: 0\r\n\r\n"},
        {"bare CR", "X: a\rContent-Length: 5\r\n\r\n"},
        {"NUL", std::string("X: a\0b\r\n\r\n", 10)},
    };
    for (const auto& [what, framing] : framings) {
      co_await heard("framing");
      const auto answer =
          co_await say("POST " + telling("/framing") + " HTTP/1.1\r\n" + fields_of(ada()) + framing + hidden);
      expect_refused_whole(answer, co_await heard("framing"), what);
    }
  };
  run(body());
}

TEST_F(Smuggling, ChunkTricksEndTheConnectionBeforeWhatIsHidden) {
  auto body = []() -> rt::task<void> {
    const auto hidden = "GET " + telling("/hidden") + " HTTP/1.1\r\n" + fields_of(ada()) + "\r\n";
    for (const char* chunks :
         {"-1\r\n", "0x1\r\na\r\n0\r\n\r\n", "1_0\r\n", "+1\r\na\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n",
          "1\na\r\n0\r\n\r\n", "1;\rx\r\na\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "1\r\nab0\r\n\r\n",
          "1\r\na\n0\r\n\r\n", "1\r\na\rb0\r\n\r\n", "1;x\rya\r\n0\r\n\r\n", "0\r\nX: y\n\r\n", "\r\n"}) {
      co_await heard("chunks");
      const auto answer = co_await say("POST " + telling("/chunks") + " HTTP/1.1\r\n" + fields_of(ada()) +
                                       "Transfer-Encoding: chunked\r\n\r\n" + chunks + hidden);
      EXPECT_EQ(status_of(answer), 400u) << chunks << "\n" << answer;
      EXPECT_EQ(answers_in(answer), 1u) << chunks << "\n" << answer;
      const auto arrived = co_await heard("chunks");  // the head, and chunks that were whole
      EXPECT_THAT(arrived, Not(HasSubstr("/hidden"))) << chunks;
      EXPECT_THAT(arrived, Not(HasSubstr("\r\n0\r\n"))) << chunks << ": the body looks whole";
    }
  };
  run(body());
}

TEST_F(Smuggling, ZeroContentLengthAndExpectLeaveNothingBehind) {
  auto body =
      []() -> rt::task<void> {  // the class of "HTTP/1.1 must die": the front reads a body that the back does not
    const auto inner = "GET " + telling("/expect-inner") + " HTTP/1.1\r\n" + fields_of(ada()) + "\r\n";
    for (const char* expectation : {"100-continue", "100-Continue", "y 100-continue"}) {
      co_await heard("expect");
      const auto answer =
          co_await say("POST " + telling("/expect") + " HTTP/1.1\r\n" + fields_of(ada()) + "Expect: " + expectation +
                       "\r\nContent-Length: " + std::to_string(inner.size()) + "\r\n\r\n" + inner);
      const auto arrived = co_await heard("expect");
      if (*expectation == 'y') {
        EXPECT_EQ(status_of(answer), 417u) << answer;
        EXPECT_EQ(answers_in(answer), 1u) << answer;
        EXPECT_EQ(arrived, "");
      } else {  // one request, whose body is the whole of what looks like another
        const auto head = arrived.substr(0, arrived.find("\r\n\r\n") + 4);
        EXPECT_THAT(head, StartsWith("POST " + telling("/expect") + " HTTP/1.1\r\n"));
        EXPECT_EQ(arrived.substr(head.size()), inner) << "the body became a request\n" << arrived;
      }
    }
  };
  run(body());
}

TEST_F(Smuggling, Cve_2026_2835_TransferEncodingInHttp10IsRefused) {
  auto body = []() -> rt::task<void> {
    co_await heard("te-in-10");
    const auto answer = co_await say("POST " + telling("/te-in-10") + " HTTP/1.0\r\n" + fields_of(ada()) +
                                     "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET " +
                                     telling("/te-in-10-hidden") + " HTTP/1.0\r\n" + fields_of(ada()) + "\r\n");
    expect_refused_whole(answer, co_await heard("te-in-10"), "TE in 1.0");
  };
  run(body());
}

TEST_F(Smuggling, Cve_2026_2836_ARequestBodyIsNeverDelimitedByTheEndOfTheConnection) {
  auto body = []() -> rt::task<void> {
    for (const char* version : {"1.0", "1.1"}) {
      const auto answer = co_await say("POST " + telling("/close") + " HTTP/" + version + "\r\n" + fields_of(ada()) +
                                       "Connection: close\r\n\r\nGET " + telling("/hidden") + " HTTP/1.1\r\n" +
                                       fields_of(ada()) + "\r\n");
      EXPECT_EQ(status_of(answer), 200u) << version;
      EXPECT_THAT(answer, Not(HasSubstr("/hidden"))) << "neither body nor request";
      EXPECT_EQ(answers_in(answer), 1u) << version;
    }
  };
  run(body());
}

TEST_F(Smuggling, Cve_2026_2833_NothingIsTunnelledBeforeTheUpstreamSays101) {
  auto body = []() -> rt::task<void> {
    co_await heard("liar");
    const auto answer = co_await say("GET " + telling("/liar") + " HTTP/1.1\r\n" + fields_of(ada()) +
                                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nGET /" + project() +
                                     "/port/18100/liar-tunnelled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(answer), 200u) << "the answer of the upstream is passed on as what it is";
    const auto arrived = co_await heard("liar");
    EXPECT_THAT(arrived, StartsWith("GET " + telling("/liar") + " HTTP/1.1\r\n"));
    EXPECT_THAT(arrived, Not(HasSubstr("tunnelled"))) << "the second request had no cookie: it is not passed on";
  };
  run(body());
}

TEST_F(Smuggling, Cve_2024_45410_ForwardingFieldsCannotBeTakenAwayByConnection) {
  auto body = []() -> rt::task<void> {
    // From another address than where the hops themselves come from.
    const auto answer = co_await say(
        "GET " + telling("/x") + " HTTP/1.1\r\n" + fields_of(ada()) +
            "Connection: close, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Forwarded-Prefix, "
            "X-Atrium-User, "
            "Host\r\nX-Forwarded-For: 203.0.113.66\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https\r\n\r\n",
        "127.0.0.9");
    EXPECT_EQ(status_of(answer), 200u);
    EXPECT_THAT(answer, HasSubstr("\nX-Forwarded-For: 127.0.0.9\r"));
    EXPECT_THAT(answer, HasSubstr("\nX-Forwarded-Host: " + system().address().authority() + "\r"));
    EXPECT_THAT(answer, testing::ContainsRegex("\nX-Forwarded-Proto: http[\r\n]"));
    EXPECT_THAT(answer, Not(HasSubstr("evil.test")));
    EXPECT_THAT(answer, Not(HasSubstr("203.0.113.66")));
  };
  run(body());
}

TEST_F(Smuggling, FieldsOfOneHopStayOnIt) {
  auto body = []() -> rt::task<void> {
    const auto answer =
        co_await say("GET " + telling("/x") + " HTTP/1.1\r\n" + fields_of(ada()) +
                     "Connection: close, X-Of-This-Hop\r\nX-Of-This-Hop: here\r\nX_Of_This_Hop: here\r\n"
                     "Keep-Alive: timeout=here\r\nTE: trailers\r\nProxy-Authorization: Basic here\r\n"
                     "Proxy-Connection: keep-alive\r\nX-Of-All: arrived\r\n\r\n");
    EXPECT_EQ(status_of(answer), 200u);
    EXPECT_THAT(answer, HasSubstr("\nX-Of-All: arrived"));
    for (const char* gone : {"here", "trailers", "Proxy-"}) EXPECT_THAT(answer, Not(HasSubstr(gone)));
  };
  run(body());
}

TEST_F(Smuggling, Ghsa_6384_m2mw_rf54_ForwardedPrefixIsNotTheClients) {
  auto body = []() -> rt::task<void> {
    const auto a = co_await ada().request("GET", telling("/prefix"),
                                          {{"X-Forwarded-Prefix", "//evil.test"},
                                           {"X-Original-URL", "/admin"},
                                           {"X-Rewrite-URL", "/admin"},
                                           {"Forwarded", "for=evil.test"}});
    EXPECT_EQ(a.status, 200u);
    EXPECT_THAT(a.body, HasSubstr("GET " + telling("/prefix") + " HTTP/1.1"));
    for (const char* gone : {"evil.test", "/admin", "X-Original", "X-Rewrite", "Forwarded: for"})
      EXPECT_THAT(a.body, Not(HasSubstr(gone)));
  };
  run(body());
}

TEST_F(Smuggling, Cve_2026_33433_UnderscoreAliasesAreDropped) {
  auto body = []() -> rt::task<void> {
    const auto a = co_await ada().request("GET", telling("/x"),
                                          {{"X_Forwarded_For", "203.0.113.66"},
                                           {"x-forwarded_proto", "gopher"},
                                           {"X_Atrium_User", "root"},
                                           {"X_Atrium-Authorization", "Basic root"}});
    EXPECT_EQ(a.status, 200u);
    for (const char* gone : {"203.0.113.66", "gopher", "root", "_"}) EXPECT_THAT(a.body, Not(HasSubstr(gone)));
  };
  run(body());
}

TEST_F(Smuggling, Cve_2022_21697_TheTargetComesFromTheProjectTableOnly) {
  auto body = []() -> rt::task<void> {
    for (const auto& target : {at("/port/18100@203.0.113.1/"), at("/port/203.0.113.1:80/"),
                               at("/port/127.0.0.1%3a5432/"), at("/port/0/"), at("/port/65536/"), at("/port/-1/"),
                               at("/port/018100x/"), at("/proxy/http://203.0.113.1/"), at("/server/%2e%2e/")}) {
      const auto a = co_await ada().request("GET", target);
      EXPECT_TRUE(a.status == 400 || a.status == 404) << target << " " << a.status << a.body;
    }
    // A target in absolute form is for its path; its host decides nothing about where it goes.
    const auto answer =
        co_await say("GET http://203.0.113.1" + telling("/abs") +
                     " HTTP/1.1\r\nHost: 203.0.113.1\r\nCookie: " + ada().cookie() + "\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(status_of(answer) == 200u || status_of(answer) == 400u || status_of(answer) == 404u) << answer;
    if (status_of(answer) == 200u) EXPECT_THAT(answer, HasSubstr("GET " + telling("/abs") + " HTTP/1.1"));
  };
  run(body());
}

TEST_F(Smuggling, Ghsa_c4j6_fc7j_m34r_AnUpgradeGoesWhereAnyRequestGoes) {
  auto body = []() -> rt::task<void> {
    const auto upgrade = [](std::string target) {
      return "GET " + target + " HTTP/1.1\r\n" + fields_of(ada()) +
             "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
             "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    };
    // It takes connections and never answers: whoever goes there waits.
    const auto elsewhere = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
    const auto there = elsewhere.local().text();
    for (const auto& target :
         {"http://" + there + "/latest/meta-data", "//" + there + "/", "/\\" + there + "/", there}) {
      const auto status = status_of(co_await say(upgrade(target)));
      EXPECT_TRUE(status == 400 || status == 404 || status == 405) << target << " " << status;
    }
  };
  run(body());
}

TEST_F(Smuggling, Cve_2024_35225_AddressesAreNotReflectedAsMarkup) {
  auto body = []() -> rt::task<void> {
    const auto expect_plain = [](const net::http_client::whole& a, std::string_view where) {
      EXPECT_THAT(a.body, Not(HasSubstr("<script>alert"))) << where;
      EXPECT_THAT(a.body, Not(HasSubstr("\"><script>"))) << where;
    };
    for (const auto& target :
         {at("/proxy/%3Cscript%3Ealert(1)%3C%2Fscript%3E:80/"), std::string("/%3Cscript%3Ealert(1)%3C/script%3E"),
          at("/files/%3Cscript%3E"), at("/nothing/%3Cscript%3E"), std::string("/auth/sign-in?next=%22%3E%3Cscript%3E")})
      expect_plain(co_await ada().request("GET", target, {{"Accept", "text/html"}}), target);
    // Where to go after signing in is written into the form: of somebody who is not signed in yet.
    for (const std::string form : {"/auth/sign-in", "/auth/sign-up"}) {
      const auto a = co_await nobody().request("GET", form + "?next=/%22%3E%3Cscript%3Ealert(1)");
      EXPECT_EQ(a.status, 200u) << form;
      EXPECT_THAT(a.body, HasSubstr("value=\"/&quot;&gt;&lt;script&gt;alert(1)\"")) << form << a.body;
      expect_plain(a, form);
      const auto again = co_await nobody().request(
          "POST", form, {{"Content-Type", "application/x-www-form-urlencoded"}}, "email=%22%3E%3Cscript%3Ealert(1)");
      EXPECT_EQ(again.status, 400u) << form;
      expect_plain(again, form);
    }
  };
  run(body());
}

TEST_F(Smuggling, Cve_2023_44487_And_2025_8671_Http2IsNotSpokenAndH2cIsNotUpgradedTo) {
  auto body = []() -> rt::task<void> {
    const auto rest = "HTTP/2.0\r\n" + fields_of(ada()) + "\r\n";
    for (const auto& start : {std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "GET " + telling("/http2 ") + rest,
                              "PRI " + telling("/http2 ") + rest, "OPTIONS * " + rest}) {
      co_await heard("http2");
      const auto answer = co_await say(start);
      EXPECT_EQ(status_of(answer), 505u) << start << answer;
      EXPECT_EQ(answers_in(answer), 1u) << answer;
      EXPECT_EQ(co_await heard("http2"), "") << start;
    }
    const auto a = co_await say(
        "GET " + telling("/x") + " HTTP/1.1\r\n" + fields_of(ada()) +
        "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
    EXPECT_EQ(status_of(a), 200u);
    EXPECT_THAT(a, Not(HasSubstr("h2c")));
  };
  run(body());
}

}  // namespace
}  // namespace atrium::tests
