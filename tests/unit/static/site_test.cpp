#include "apps/static/site.hpp"

#include <gtest/gtest.h>

namespace atrium::static_files {
namespace {

site example() {
  site s;
  s.add("index.html", "<!doctype html><html><head><title>x</title></head></html>");
  s.add("assets/main-1a2b.js", "let a = 1;");
  s.add("assets/main-1a2b.js.br", "BR");
  s.add("assets/main-1a2b.js.gz", "GZ");
  return s;
}

net::request with(std::string name, std::string value) { return {.headers = {{std::move(name), std::move(value)}}}; }

TEST(Site, AddressesInsideTheApplicationGiveThePage) {
  for (const char* path : {"/app", "/app/", "/app/projects", "/app/projects/0b8e0c1e/files/a.txt", "/app/index.html"}) {
    const auto r = example().answer({}, path, "n1");
    EXPECT_EQ(r.status, 200u) << path;
    EXPECT_NE(r.body.find("<meta name=\"csp-nonce\" content=\"n1\">"), std::string::npos) << path;
    EXPECT_NE(r.headers.find("content-security-policy")->find("'nonce-n1'"), std::string_view::npos) << path;
    EXPECT_EQ(r.headers.find("cache-control"), "no-store");
  }
}

TEST(Site, MissingAssetsAreNotThePage) { EXPECT_EQ(example().answer({}, "/app/assets/old.js", "n").status, 404u); }

TEST(Site, BestAcceptedCompressionIsChosen) {
  EXPECT_EQ(example().answer(with("Accept-Encoding", "gzip, deflate, br"), "/app/assets/main-1a2b.js", "n").body, "BR");
  EXPECT_EQ(example().answer(with("Accept-Encoding", "gzip"), "/app/assets/main-1a2b.js", "n").body, "GZ");
  EXPECT_EQ(example().answer(with("Accept-Encoding", "br;q=0, gzip"), "/app/assets/main-1a2b.js", "n").body, "GZ");
  EXPECT_EQ(example().answer({}, "/app/assets/main-1a2b.js", "n").body, "let a = 1;");
}

TEST(Site, KnownEtagIsNotSentAgain) {
  const auto s = example();
  const auto first = s.answer({}, "/app/assets/main-1a2b.js", "n");
  EXPECT_EQ(first.headers.find("cache-control"), "public, max-age=31536000, immutable");
  const auto again =
      s.answer(with("If-None-Match", std::string(*first.headers.find("etag"))), "/app/assets/main-1a2b.js", "n");
  EXPECT_EQ(again.status, 304u);
  EXPECT_TRUE(again.body.empty());
}

TEST(Site, PathsCannotLeaveTheApplication) {
  EXPECT_NE(example().answer({}, "/app/../../etc/passwd", "n").body.find("<html>"), std::string::npos);
}

}  // namespace
}  // namespace atrium::static_files
