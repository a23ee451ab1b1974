#include <gtest/gtest.h>

#include "apps/operations/auth.hpp"

namespace atrium::operations {
namespace {

net::request with(std::initializer_list<net::headers::value_type> headers) {
  net::request r;
  r.headers = headers;
  return r;
}

TEST(SameOrigin, ComparesOriginWithTheHostThatWasAskedFor) {
  EXPECT_TRUE(same_origin(with({{"Host", "localhost:8080"}, {"Origin", "http://localhost:8080"}})));
  EXPECT_TRUE(same_origin(
      with({{"Host", "Atrium.Example"}, {"Origin", "https://atrium.example"}, {"X-Forwarded-Proto", "https"}})));
  EXPECT_TRUE(same_origin(
      with({{"Host", "atrium.example:443"}, {"Origin", "https://atrium.example"}, {"X-Forwarded-Proto", "https"}})));
  EXPECT_TRUE(same_origin(
      with({{"Host", "upstream"}, {"X-Forwarded-Host", "atrium.example"}, {"Origin", "http://atrium.example"}})));
}

TEST(SameOrigin, RefusesForeignAndOpaqueOnes) {
  for (const char* origin :
       {"null", "", "http://evil.example", "http://localhost:8081", "http://localhost:8080.evil.example",
        "http://evil@localhost:8080", "file://localhost:8080", "http://sub.localhost:8080", "http://localhost:8080/",
        "http://localhost:8080#@evil"})
    EXPECT_FALSE(same_origin(with({{"Host", "localhost:8080"}, {"Origin", origin}}))) << origin;
  EXPECT_FALSE(same_origin(with({{"Origin", "http://localhost"}})));
}

TEST(SameOrigin, APageWithoutTlsIsNotTheOneBehindIt) {
  for (const char* field : {"Origin", "Referer"}) {
    EXPECT_FALSE(same_origin(with({{"Host", "a"}, {"X-Forwarded-Proto", "https"}, {field, "http://a"}})));
    EXPECT_TRUE(same_origin(with({{"Host", "a"}, {"X-Forwarded-Proto", "https"}, {field, "HTTPS://a"}})));
    EXPECT_TRUE(same_origin(with({{"Host", "a"}, {field, "https://a"}}))) << "TLS may end in front of the edge";
  }
}

TEST(SameOrigin, UsesWhatElseABrowserSays) {
  EXPECT_TRUE(same_origin(with({{"Host", "a"}, {"Sec-Fetch-Site", "same-origin"}})));
  EXPECT_FALSE(same_origin(with({{"Host", "a"}, {"Sec-Fetch-Site", "same-site"}})));
  EXPECT_FALSE(same_origin(with({{"Host", "a"}, {"Sec-Fetch-Site", "cross-site"}})));
  EXPECT_TRUE(same_origin(with({{"Host", "a"}, {"Referer", "http://a/auth/sign-in?x"}})));
  EXPECT_FALSE(same_origin(with({{"Host", "a"}, {"Referer", "http://b/a"}})));
  EXPECT_TRUE(same_origin(with({{"Host", "a"}})));  // a program, not a page
}

TEST(ClientAddress, IsWhatTheLastHopSaw) {
  EXPECT_EQ(client_address(with({}), "192.0.2.7:5000"), "192.0.2.7");
  EXPECT_EQ(client_address(with({}), "[2001:db8::1]:5000"), "2001:db8::1");
  EXPECT_EQ(client_address(with({}), "unix:/run/x.sock"), "");
  EXPECT_EQ(client_address(with({{"X-Forwarded-For", "6.6.6.6, 192.0.2.9"}}), "unix:/x"), "192.0.2.9");
  EXPECT_EQ(client_address(with({{"X-Forwarded-For", std::string("192.0.2.9\0x", 11)}}), "192.0.2.7:1"), "192.0.2.7");
  EXPECT_EQ(client_address(with({{"X-Forwarded-For", "'; DROP TABLE"}}), "192.0.2.7:1"), "192.0.2.7");
}

TEST(Form, NamesTheFirstFieldThatIsWrong) {
  sign_up_form form{" Ada@Example.org", "correct horse", " Ada ", "Lovelace", true};
  EXPECT_FALSE(check(form));
  EXPECT_EQ(form.email, "ada@example.org");
  EXPECT_EQ(form.first_name, "Ada");
  form.terms = false;
  EXPECT_EQ(check(form)->field, "terms");
  form.password = "short";
  EXPECT_EQ(check(form)->field, "password");
  form.email = "x";
  EXPECT_EQ(check(form)->field, "email");
  form.last_name = "";
  EXPECT_EQ(check(form)->field, "last_name");
  EXPECT_EQ(check(form)->error.public_text(), "Enter your last name.");
}

}  // namespace
}  // namespace atrium::operations
