#include "apps/domain/content.hpp"

#include <gtest/gtest.h>

namespace atrium::domain {
namespace {

const auto project = project_id::of("0b8e0c1e-58a4-4c1f-9d83-6f35f3a5b1aa");

TEST(ContentHost, NamesAreReadBack) {
  for (const content_place& p : {content_place{project, 0}, content_place{project, 1}, content_place{project, 65535}}) {
    const auto name = content_host_name(p, "content.example.org");
    EXPECT_EQ(parse_content_host(name, "content.example.org"), p) << name;
    EXPECT_EQ(parse_content_host(name + ":8080", "content.example.org"), p) << name;
  }
  EXPECT_EQ(content_host_name({project, 8888}, "localhost"), "8888-0b8e0c1e-58a4-4c1f-9d83-6f35f3a5b1aa.localhost");
}

TEST(ContentHost, OnlyExactNamesAreOne) {
  const std::string id = project.str();
  for (const std::string& host :
       {std::string(), std::string("localhost"), "." + id + ".localhost", id + ".localhost", "-" + id + ".localhost",
        "0-" + id + ".localhost", "65536-" + id + ".localhost", "08888-" + id + ".localhost", "+1-" + id + ".localhost",
        "8888-" + id + "localhost", "8888-" + id + ".localhost.evil.test", "8888-" + id + ".evil.localhost",
        "8888." + id + ".localhost", "8888-" + id.substr(1) + ".localhost", "file-" + id + ".localhost",
        "[8888-" + id + ".localhost]"})
    EXPECT_FALSE(parse_content_host(host, "localhost")) << host;
  EXPECT_FALSE(parse_content_host("8888-" + id + ".", "")) << "there is none";
  EXPECT_TRUE(is_content_host("anything.at.all.localhost:80", "localhost")) << "not the application's either";
  EXPECT_FALSE(is_content_host("localhost:8080", "localhost"));
  EXPECT_FALSE(is_content_host("127.0.0.1:8080", "localhost"));
  EXPECT_FALSE(is_content_host("evillocalhost", "localhost"));
}

TEST(ContentHost, LocalNamesAreFoundFromTheMachineItselfOnly) {
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "[::1]:8080", "1-x.localhost"})
    EXPECT_TRUE(reaches_content_host(host, "localhost")) << host;
  for (const char* host : {"192.0.2.7:8080", "atrium.example.org", "localhost.evil.test", "[2001:db8::1]"})
    EXPECT_FALSE(reaches_content_host(host, "localhost")) << host;
  EXPECT_TRUE(reaches_content_host("atrium.example.org", "content.example.org"));
}

TEST(ContentHost, TheSettingIsAHostName) {
  for (const char* good : {"", "localhost", "content.example.org", "a-1.b"})
    EXPECT_EQ(check_content_host(good), "") << good;
  for (const char* bad : {".x", "x.", "a..b", "a:80", "http://a", "A", "a/b", "a b"})
    EXPECT_NE(check_content_host(bad), "") << bad;
}

TEST(ContentPass, IsGoodForItsPlaceUntilItExpires) {
  const auto now = timestamp{std::chrono::seconds(1'800'000'000)};
  const content_pass p{.place = {project, 8888},
                       .session_hash = "abc",
                       .purpose = content_pass::use::enter,
                       .expires = now + std::chrono::seconds(60)};
  const auto text = sign_content_pass(p, "secret");
  const auto back = verify_content_pass(text, "secret", now);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->place, p.place);
  EXPECT_EQ(back->session_hash, "abc");
  EXPECT_EQ(back->purpose, content_pass::use::enter);
  EXPECT_FALSE(verify_content_pass(text, "secret", now + std::chrono::seconds(60)));
  EXPECT_FALSE(verify_content_pass(text, "other", now));
  EXPECT_FALSE(verify_content_pass(text, "", now));
  EXPECT_EQ(read_content_pass(text)->session_hash, "abc") << "unbelieved";
}

TEST(ContentPass, NoOtherTextIsOne) {
  const auto now = timestamp{std::chrono::seconds(1'800'000'000)};
  const auto text = sign_content_pass(
      {.place = {project, 0}, .session_hash = "abc", .expires = now + std::chrono::hours(1)}, "secret");
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_content_pass(changed, "secret", now)) << i;
    EXPECT_FALSE(verify_content_pass(text.substr(0, i), "secret", now)) << i;
  }
  for (const std::string& other : {std::string(), std::string("."), std::string("e30.00"), std::string(5000, 'A')})
    EXPECT_FALSE(read_content_pass(other)) << other.size();
}

}  // namespace
}  // namespace atrium::domain
