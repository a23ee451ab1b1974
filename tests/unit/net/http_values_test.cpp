#include <gmock/gmock.h>

#include "atrium/net/client.hpp"
#include "atrium/net/http.hpp"

using namespace atrium;
using namespace atrium::net;
using testing::ElementsAre;

namespace {

TEST(Headers, CompareNamesWithoutCase) {
  headers h{{"Set-Cookie", "a"}, {"X", "1"}, {"set-cookie", "b"}};
  EXPECT_THAT(h.all("SET-COOKIE"), ElementsAre("a", "b"));
  h.set("x", "2");
  EXPECT_EQ(h.find("X"), "2");
  h.set("Set-Cookie", "c");
  EXPECT_THAT(h.all("set-cookie"), ElementsAre("c"));
  EXPECT_EQ(h.erase("X"), 1u);
  EXPECT_FALSE(h.contains("X"));
}

TEST(Headers, MayBeGivenTheirOwnText) {
  headers h{{"A", std::string(40, 'a')}};
  for (int i = 0; i < 200; ++i) {  // the block of text moves several times
    const auto [name, value] = *h.begin();
    h.add(name, value);
  }
  EXPECT_EQ(h.count("a"), 201u);
  for (const auto value : h.all("A")) EXPECT_EQ(value, std::string(40, 'a'));
  h.set("A", *h.find("a"));
  EXPECT_THAT(h.all("A"), ElementsAre(std::string(40, 'a')));
  h.set("B", *h.find("A"));
  const auto copy = h;
  h.set("A", "");
  EXPECT_EQ(h.find("A"), "");
  EXPECT_EQ(copy.find("A"), std::string(40, 'a'));
  EXPECT_EQ(copy.find("B"), copy.find("A"));
}

TEST(Headers, GoByAPredicate) {
  headers h{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
  EXPECT_EQ(h.erase_if([](auto name, auto value) { return equal_nocase(name, "A") || value == "4"; }), 3u);
  std::string left;
  for (const auto& [name, value] : h) left.append(name).append("=").append(value);
  EXPECT_EQ(left, "B=2");
}

TEST(Headers, TokensAreFoundInLists) {
  headers h{{"Connection", "keep-alive , Upgrade"}, {"Connection", "x"}};
  EXPECT_TRUE(h.has_token("connection", "upgrade"));
  EXPECT_TRUE(h.has_token("connection", "X"));
  EXPECT_FALSE(h.has_token("connection", "up"));
}

TEST(Requests, GivePathQueryAndCookies) {
  request r{.target = "/a/b?x=1&y=a%20b+c&x=2"};
  EXPECT_EQ(r.path(), "/a/b");
  EXPECT_EQ(r.query(), "x=1&y=a%20b+c&x=2");
  EXPECT_EQ(r.query_value("x"), "1");
  EXPECT_EQ(r.query_value("y"), "a b c");
  EXPECT_EQ(r.query_value("z"), std::nullopt);
  r.headers.add("Cookie", "a=1; b=x=y;a=2 ; bad");
  r.headers.add("Cookie", "a=3");
  EXPECT_THAT(r.cookies("a"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(r.cookies("b"), ElementsAre("x=y"));
}

TEST(Encoding, RefusesMalformedEscapesAndNul) {
  EXPECT_EQ(percent_decode("a%2Fb%20"), "a/b ");
  for (const char* bad : {"%", "%2", "%g0", "%00", "a%"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
  EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
  EXPECT_EQ(escape_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_THAT(parse_form("a=1&&b&c=%zz&d=e=f"),
              ElementsAre(testing::Pair("a", "1"), testing::Pair("b", ""), testing::Pair("d", "e=f")));
}

TEST(Responses, HideWhatThePeerSaid) {
  const auto r = response::of(error(disposition::denied, "Not \"yours\".\n").with_peer_text("secret"));
  EXPECT_EQ(r.status, 403u);
  EXPECT_EQ(r.body, "{\"error\":\"Not \\\"yours\\\".\\u000a\"}");
  EXPECT_EQ(response::of(error(disposition::overloaded, "x").with_code("http.413")).status, 413u);
  EXPECT_EQ(response::of(error(disposition::failed, "x").with_code("http.200")).status, 500u);
}

TEST(Origins, AreParsed) {
  const auto plain = origin::parse("http://a.b:8080/");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->authority(), "a.b:8080");
  EXPECT_EQ(origin::parse("https://[::1]")->authority(), "[::1]");
  EXPECT_EQ(origin::parse("https://a")->port, 443);
  EXPECT_EQ(origin::parse("unix:/run/x.sock")->unix_socket, "/run/x.sock");
  for (const char* bad :
       {"", "a", "ftp://a", "http://", "http://a/b", "http://u@a", "http://a:0x50", "unix:x", "http://a b"})
    EXPECT_FALSE(origin::parse(bad).has_value()) << bad;
}

}  // namespace
