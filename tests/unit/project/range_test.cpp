#include "apps/project/http/range.hpp"

#include <gtest/gtest.h>

#include "apps/project/files/home.hpp"

namespace atrium::project {
namespace {

TEST(Range, FollowsTheRules) {
  struct {
    const char* field;
    range_answer answer;
    std::uint64_t first, length;
  } const cases[] = {
      {"bytes=0-0", range_answer::part, 0, 1},         {"bytes=5-", range_answer::part, 5, 5},
      {"bytes=5-100", range_answer::part, 5, 5},       {"bytes=-3", range_answer::part, 7, 3},
      {"bytes=-30", range_answer::part, 0, 10},        {"bytes=10-", range_answer::unsatisfiable, 0, 0},
      {"bytes=-0", range_answer::unsatisfiable, 0, 0}, {"bytes=5-4", range_answer::whole, 0, 0},
      {"bytes=0-1,3-4", range_answer::whole, 0, 0},    {"bytes=a-b", range_answer::whole, 0, 0},
      {"bytes=", range_answer::whole, 0, 0},           {"bytes=-", range_answer::whole, 0, 0},
      {"items=0-1", range_answer::whole, 0, 0},        {"bytes=99999999999999999999-", range_answer::whole, 0, 0},
      {"bytes=1-x", range_answer::whole, 0, 0},
  };
  for (const auto& c : cases) {
    byte_range r;
    EXPECT_EQ(parse_range(c.field, 10, r), c.answer) << c.field;
    if (c.answer != range_answer::part) continue;
    EXPECT_EQ(r.first, c.first) << c.field;
    EXPECT_EQ(r.length, c.length) << c.field;
  }
  EXPECT_EQ(content_type_of("a.PNG"), "image/png");
  EXPECT_EQ(content_type_of(".png"), "application/octet-stream");
  EXPECT_EQ(content_type_of("a.b.unknown"), "application/octet-stream");
}

TEST(Path, IsCleanedOrRefused) {
  for (const auto& [given, clean] : {std::pair("", "."),
                                     {".", "."},
                                     {"a", "a"},
                                     {"./a//b/./c/", "a/b/c"},
                                     {"...", "..."},
                                     {"a..b", "a..b"},
                                     {" ", " "}})
    EXPECT_EQ(clean_path(given).value(), clean);
  for (const std::string& bad :
       {std::string("/a"), std::string(".."), std::string("a/../b"), std::string("a/.."), std::string("a\0b", 3),
        std::string("caf\xE9"), std::string(5000, 'a'), std::string(256, 'a')})
    EXPECT_FALSE(clean_path(bad).has_value()) << bad;
  EXPECT_EQ(parent_of("a/b/c"), "a/b");
  EXPECT_EQ(parent_of("a"), ".");
  EXPECT_EQ(name_of("a/b/c"), "c");
  EXPECT_EQ(join(".", "x"), "x");
}

}  // namespace
}  // namespace atrium::project
