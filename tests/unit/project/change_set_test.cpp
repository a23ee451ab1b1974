#include "apps/project/collab/change_set.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/project/collab/unicode.hpp"
#include "tests/unit/project/random_text.hpp"

namespace atrium::project {
namespace {

using tests::applied;
using tests::below;

change_set parsed(std::string_view json) { return change_set::parse(boost::json::parse(json)).value(); }
std::string written(const change_set& c) {
  std::string out;
  c.append_json(out);
  return out;
}

TEST(ChangeSet, ReadsAndWritesTheFormOfCodeMirror) {
  for (const char* json :
       {"[]", "[5]", "[[3]]", R"([2,[0,"a"],3])", R"([[2,"x","y"],7])", R"([[0,"",""],1])", R"([1,[1,"ü😀"],[0,"z"]])"})
    EXPECT_EQ(written(parsed(json)), json);
  const auto c = parsed(R"([2,[1,"x","y"],3])");
  EXPECT_EQ(c.old_length(), 6u);
  EXPECT_EQ(c.new_length(), 8u);
  EXPECT_EQ(applied(u"abcdef", c), u"abx\nydef");
}

TEST(ChangeSet, RefusesWhatIsNoChangeSet) {
  for (const char* json :
       {"{}", "5", "[-1]", "[1.5]", R"(["a"])", "[[]]", R"([["a"]])", R"([[1,2]])", R"([[-1,"a"]])", R"([[0,"a\nb"]])",
        R"([[0,"a\r"]])", "[1e30]", "[4000000000]", "[1073741824,1073741824]", "[null]", R"([[1,["a"]]])"})
    EXPECT_FALSE(change_set::parse(boost::json::parse(json)).has_value()) << json;
}

TEST(ChangeSet, ComposesAndMapsLikeTheDocumentsSay) {
  const auto a = change_set::replacing(6, 1, 3, u"XY"), b = change_set::replacing(6, 2, 5, u"z");
  EXPECT_EQ(applied(applied(u"abcdef", a), b.map(a)), u"aXYzf");
  EXPECT_EQ(applied(applied(u"abcdef", b), a.map(b, true)), u"aXYzf");
  const auto left = change_set::replacing(2, 1, 1, u"L"), right = change_set::replacing(2, 1, 1, u"R");
  EXPECT_EQ(applied(applied(u"ab", left), right.map(left)), u"aLRb");
  EXPECT_EQ(applied(applied(u"ab", left), right.map(left, true)), u"aRLb");
}

TEST(ChangeSet, RandomSetsComposeAssociativelyAndMapsConverge) {
  tests::random r(20240613);
  for (int round = 0; round < 20'000; ++round) {
    const auto text = tests::random_text(r, below(r, 40));
    const auto a = tests::random_change(r, text.size()), b = tests::random_change(r, text.size());
    const auto after_a = applied(text, a);
    ASSERT_EQ(after_a.size(), a.new_length());
    const auto next = tests::random_change(r, after_a.size());
    const auto last = tests::random_change(r, next.new_length());
    ASSERT_EQ(applied(text, a.compose(next)), applied(after_a, next)) << "round " << round;
    ASSERT_EQ(applied(text, a.compose(next).compose(last)), applied(text, a.compose(next.compose(last))))
        << "round " << round;
    ASSERT_EQ(applied(after_a, b.map(a)), applied(applied(text, b), a.map(b, true))) << "round " << round;
    ASSERT_EQ(a.compose(change_set::none(a.new_length())).new_length(), a.new_length());
    if (applied(u"", change_set::replacing(0, 0, 0, after_a)).find(u'\n') != std::u16string::npos) continue;
    std::string json = written(a);
    if (json.find("\\u") == std::string::npos) ASSERT_EQ(written(parsed(json)), json);
  }
}

TEST(Unicode, ConvertsStrictly) {
  EXPECT_EQ(utf8_to_utf16("a\xC3\xBC\xE6\xBC\xA2\xF0\x9F\x98\x80"), u"a\u00fc\u6f22\U0001F600");
  for (const char* bad : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF0\x9F\x98", "\xFF", "\xF8\x88\x80\x80\x80"})
    EXPECT_FALSE(utf8_to_utf16(bad)) << bad;
  const std::u16string lone = u"x\xD83Dy";
  EXPECT_EQ(utf16_to_utf8(lone), "x\xEF\xBF\xBDy");
  EXPECT_EQ(utf8_to_utf16(utf16_to_utf8(lone, true), true), lone);
  std::string json;
  append_json_string(json, lone);
  EXPECT_EQ(json, "\"x\\ud83dy\"");
}

TEST(Unicode, MendsEscapesOfLoneSurrogatesSoThatTheJsonCanBeRead) {
  EXPECT_EQ(without_lone_surrogate_escapes(R"({"a":"\ud83d"})"), R"({"a":"\ufffd"})");
  EXPECT_EQ(without_lone_surrogate_escapes(R"("\ude00\ud83d\ude00\uD83D")"), R"("\ufffd\ud83d\ude00\ufffd")");
  EXPECT_EQ(without_lone_surrogate_escapes(R"("\\ud83d \u00fc")"), R"("\\ud83d \u00fc")");
  EXPECT_EQ(without_lone_surrogate_escapes(R"("\ud8)"), R"("\ud8)");
  EXPECT_EQ(without_lone_surrogate_escapes("\\"), "\\");
}

}  // namespace
}  // namespace atrium::project
