// What crosses a proxy: hostile and ordinary heads.
#include "net/src/proxy_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace atrium::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

request asking(headers h) { return {.method = "GET", .target = "/x", .headers = std::move(h)}; }
const proxy_hop hop{"203.0.113.7", true};

TEST(ProxyRules, HopByHopFieldsStay) {
  const auto out = upstream_request(asking({{"Host", "a.test"},
                                            {"Connection", "close, X-Private ,"},
                                            {"Keep-Alive", "5"},
                                            {"TE", "trailers"},
                                            {"Trailer", "X"},
                                            {"Transfer-Encoding", "chunked"},
                                            {"Content-Length", "3"},
                                            {"Expect", "100-continue"},
                                            {"Upgrade", "h2c"},
                                            {"HTTP2-Settings", "AAAA"},
                                            {"Proxy-Authorization", "Basic x"},
                                            {"Proxy-Connection", "keep-alive"},
                                            {"X-Private", "1"},
                                            {"X-Other", "2"}}),
                                    {}, hop, false);
  std::vector<std::string> names;
  for (const auto& [n, v] : out.headers) names.emplace_back(n);
  EXPECT_THAT(names, ElementsAre("X-Other", "Host", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto"));
}

TEST(ProxyRules, ForwardingFieldsAreOursEvenWhenConnectionNamesThem) {
  proxy_target target;
  target.add = {{"X-Atrium-User", "right"}, {"Authorization", "Bearer secret"}};
  const auto out = upstream_request(
      asking(
          {{"Host", "a.test"},
           {"Connection", "X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Atrium-User, Authorization, Host"},
           {"X-Forwarded-For", "1.2.3.4"},
           {"x_forwarded_for", "1.2.3.4"},
           {"X-Forwarded-Proto", "gopher"},
           {"X-Forwarded-Host", "evil.test"},
           {"X-Forwarded-Prefix", "/evil"},
           {"X-Real-IP", "1.2.3.4"},
           {"Forwarded", "for=1.2.3.4"},
           {"X-Atrium-User", "wrong"},
           {"X_Atrium_User", "wrong"},
           {"authorization", "Bearer theirs"}}),
      target, hop, false);
  EXPECT_THAT(out.headers.all("X-Forwarded-For"), ElementsAre("203.0.113.7"));
  EXPECT_THAT(out.headers.all("X-Forwarded-Proto"), ElementsAre("https"));
  EXPECT_THAT(out.headers.all("X-Forwarded-Host"), ElementsAre("a.test"));
  EXPECT_THAT(out.headers.all("X-Atrium-User"), ElementsAre("right"));
  EXPECT_THAT(out.headers.all("Authorization"), ElementsAre("Bearer secret"));
  EXPECT_THAT(out.headers.all("Host"), ElementsAre("a.test"));
  for (auto gone : {"x_forwarded_for", "X_Atrium_User", "X-Forwarded-Prefix", "X-Real-IP", "Forwarded"})
    EXPECT_FALSE(out.headers.contains(gone)) << gone;
}

TEST(ProxyRules, AddedFieldsWin) {
  proxy_target target;
  target.add = {{"X-Forwarded-For", "198.51.100.1"}, {"X-Forwarded-Proto", "http"}, {"X-Forwarded-Host", "outer.test"}};
  const auto out = upstream_request(asking({{"Host", "inner.test"}}), target, hop, false);
  EXPECT_THAT(out.headers.all("X-Forwarded-For"), ElementsAre("198.51.100.1"));
  EXPECT_THAT(out.headers.all("X-Forwarded-Host"), ElementsAre("outer.test"));
}

TEST(ProxyRules, AuthorizationOfTheApplicationIsKeptUnlessItIsToBeDropped) {
  proxy_target target;
  EXPECT_TRUE(
      upstream_request(asking({{"Authorization", "Basic app"}}), target, hop, false).headers.contains("Authorization"));
  constexpr std::string_view theirs[] = {"Authorization"};
  target.strip_headers = theirs;
  EXPECT_FALSE(
      upstream_request(asking({{"Authorization", "Basic app"}}), target, hop, false).headers.contains("Authorization"));
}

TEST(ProxyRules, CookiesAreStrippedByNameOnly) {
  constexpr std::string_view ours[] = {"atrium_session", "account_id"};
  EXPECT_EQ(without_cookies("a=1; atrium_session=secret; b=2", ours), "a=1; b=2");
  EXPECT_EQ(without_cookies("atrium_session=a=b=c==; x=y=z=", ours), "x=y=z=");
  EXPECT_EQ(without_cookies("atrium_session=\"quoted; part\"; b=\"q=1\"", ours), "part\"; b=\"q=1\"");
  EXPECT_EQ(without_cookies("a=\"x; atrium_session=secret; y\"", ours), "a=\"x; y\"") << "quotes hide nothing";
  EXPECT_EQ(without_cookies("ATRIUM_session=secret", ours), "");
  EXPECT_EQ(without_cookies("  atrium_session =secret ;;  ; a=1;", ours), "a=1");
  EXPECT_EQ(without_cookies("atrium_session; account_id=1", ours), "");
  EXPECT_EQ(without_cookies("atrium_session2=mine; xatrium_session=1; a=atrium_session", ours),
            "atrium_session2=mine; xatrium_session=1; a=atrium_session");
  EXPECT_EQ(without_cookies("atrium_session=1;atrium_session=2", ours), "");
}

TEST(ProxyRules, EveryCookieLineIsStripped) {
  proxy_target target;
  constexpr std::string_view ours[] = {"atrium_session"};
  target.strip_cookies = ours;
  const auto out =
      upstream_request(asking({{"Cookie", "a=1; atrium_session=x"}, {"cookie", "atrium_session=y"}, {"COOKIE", "b=2"}}),
                       target, hop, false);
  EXPECT_THAT(out.headers.all("Cookie"), ElementsAre("a=1", "b=2"));
}

TEST(ProxyRules, SetCookieCannotReachBeyondTheUpstream) {
  constexpr std::string_view refused[] = {"atrium_session"};
  EXPECT_EQ(clean_set_cookie("a=1; Path=/; Domain=example.test; HttpOnly", refused), "a=1; Path=/; HttpOnly");
  EXPECT_EQ(clean_set_cookie("a=1;domain=.test;Domain=x;SameSite=Lax", refused), "a=1; SameSite=Lax");
  EXPECT_EQ(clean_set_cookie("a=b=c; Domain", refused), "a=b=c");
  EXPECT_EQ(clean_set_cookie("atrium_session=evil", refused), std::nullopt);
  EXPECT_EQ(clean_set_cookie(" Atrium_Session =evil; Path=/", refused), std::nullopt);
  EXPECT_EQ(clean_set_cookie("=atrium_session=evil", refused), std::nullopt);
  EXPECT_EQ(clean_set_cookie("atrium_session", refused), std::nullopt);
  EXPECT_EQ(clean_set_cookie("", refused), std::nullopt);
}

TEST(ProxyRules, AnswersLoseWhatBelongsToTheHopAndToTheOrigin) {
  proxy_target target;
  constexpr std::string_view ours[] = {"s"};
  target.refuse_set_cookies = ours;
  target.adjust_answer = [](unsigned status, headers& h) {
    h.erase("Clear-Site-Data");
    h.set("Content-Security-Policy", status == 200 ? "sandbox" : "");
  };
  const auto out = client_headers(200,
                                  {{"Connection", "X-Hop, Content-Length"},
                                   {"X-Hop", "1"},
                                   {"Keep-Alive", "1"},
                                   {"Content-Length", "5"},
                                   {"Alt-Svc", "h3=\":443\""},
                                   {"Clear-Site-Data", "\"*\""},
                                   {"Content-Security-Policy", "default-src *"},
                                   {"Set-Cookie", "s=1"},
                                   {"Set-Cookie", "t=1; Domain=x"},
                                   {"Sec-WebSocket-Accept", "x"},
                                   {"ETag", "\"1\""}},
                                  target);
  std::vector<std::string> lines;
  for (const auto& [n, v] : out) lines.push_back(std::string(n) + ": " + std::string(v));
  EXPECT_THAT(lines,
              ElementsAre("Content-Length: 5", "Content-Security-Policy: sandbox", "Set-Cookie: t=1", "ETag: \"1\""));
}

TEST(ProxyRules, OnlyWebsocketIsAnUpgrade) {
  EXPECT_TRUE(asks_for_websocket(asking({{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "WebSocket"}})));
  EXPECT_FALSE(asks_for_websocket(asking({{"Connection", "Upgrade"}, {"Upgrade", "h2c"}})));
  EXPECT_FALSE(asks_for_websocket(asking({{"Connection", "Upgrade"}, {"Upgrade", "websocket, h2c"}})));
  EXPECT_FALSE(asks_for_websocket(asking({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Upgrade", "h2c"}})));
  EXPECT_FALSE(asks_for_websocket(asking({{"Connection", "close"}, {"Upgrade", "websocket"}})));
  auto old = asking({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}});
  old.minor_version = 0;
  EXPECT_FALSE(asks_for_websocket(old));
}

TEST(ProxyRules, HandshakeFieldsCrossWithAnUpgradeOnly) {
  const auto from = asking({{"Connection", "Upgrade, Sec-WebSocket-Key"},
                            {"Upgrade", "websocket"},
                            {"Sec-WebSocket-Key", "k"},
                            {"Sec-WebSocket-Version", "13"}});
  const auto upgrade = upstream_request(from, {}, hop, true);
  EXPECT_EQ(upgrade.headers.find("Sec-WebSocket-Key"), "k");
  EXPECT_THAT(upgrade.headers.all("Connection"), ElementsAre("Upgrade"));
  EXPECT_THAT(upgrade.headers.all("Upgrade"), ElementsAre("websocket"));
  const auto plain = upstream_request(from, {}, hop, false);
  EXPECT_THAT(plain.headers.all("Sec-WebSocket-Key"), IsEmpty());
  EXPECT_THAT(plain.headers.all("Upgrade"), IsEmpty());
}

TEST(ProxyRules, TheAcceptOfTheUpstreamIsChecked) {
  headers good{
      {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}};
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  EXPECT_TRUE(accepts_websocket(good, key));
  auto bad = good;
  bad.set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=");
  EXPECT_FALSE(accepts_websocket(bad, key));
  bad = good;
  bad.erase("Upgrade");
  EXPECT_FALSE(accepts_websocket(bad, key));
  bad = good;
  bad.add("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(accepts_websocket(bad, key));
}

}  // namespace
}  // namespace atrium::net
