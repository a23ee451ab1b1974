#include "apps/project/collab/diff.hpp"

#include <gtest/gtest.h>

#include "apps/project/collab/text_file.hpp"
#include "apps/project/collab/unicode.hpp"
#include "tests/unit/project/random_text.hpp"

namespace atrium::project {
namespace {

using tests::applied;
using tests::below;

bool cuts_a_pair(const change_set& c) {
  for (const auto& s : c.sections())
    if (!s.keeps && !s.text.empty() && (is_low_surrogate(s.text.front()) || is_high_surrogate(s.text.back())))
      return true;
  return false;
}

TEST(Diff, SaysNoMoreThanWhatChanged) {
  EXPECT_TRUE(diff(u"same", u"same").empty());
  EXPECT_EQ(diff(u"one\ntwo\nthree\n", u"one\n2\nthree\n").weight(), 4u);
  EXPECT_EQ(diff(u"a\nb\nc\nd\n", u"a\nB\nc\nD\n").weight(), 4u);
  EXPECT_EQ(diff(u"", u"new").weight(), 3u);
  EXPECT_EQ(diff(u"old", u"").weight(), 3u);
  EXPECT_FALSE(cuts_a_pair(diff(u"x\U0001F600y", u"x\U0001F601y")));
  // A line moved up and a word changed far away: what lies between is kept.
  const std::u16string middle(10'000, u'm');
  EXPECT_LT(diff(u"1\n2\n" + middle + u"\nend", u"2\n1\n" + middle + u"\nEnd").weight(), 10u);
}

TEST(Diff, TurnsAnyTextIntoAnyOther) {
  tests::random r(7);
  for (int round = 0; round < 3'000; ++round) {
    const auto from = tests::random_text(r, below(r, 200));
    auto to = from;
    for (std::size_t n = below(r, 6); n > 0; --n) to = applied(to, tests::random_change(r, to.size()));
    if (round % 10 == 0) to = tests::random_text(r, below(r, 200));
    const auto d = diff(from, to);
    ASSERT_EQ(d.old_length(), from.size());
    ASSERT_EQ(applied(from, d), to) << "round " << round;
  }
}

TEST(Diff, LargeTextsWithNothingInCommonAreBounded) {
  tests::random r(8);
  std::u16string from, to;
  for (int i = 0; i < 20'000; ++i) {
    from +=
        u"line " + std::u16string(1, static_cast<char16_t>(u'a' + below(r, 26))) + tests::random_text(r, 10) + u"\n";
    to += u"other " + tests::random_text(r, 10) + u"\n";
  }
  EXPECT_EQ(applied(from, diff(from, to)), to);
}

TEST(TextFile, RefusesWhatCannotBeEditedWithASentence) {
  for (const std::string& bytes :
       {std::string("a\0b", 3), std::string("caf\xE9"), std::string(largest_document + 1, 'x')}) {
    const auto r = decode_file(bytes);
    ASSERT_FALSE(r.has_value());
    EXPECT_EQ(r.error().disposition(), disposition::invalid);
    EXPECT_GT(r.error().public_text().size(), 20u);
  }
}

TEST(TextFile, KeepsEveryBytesOfFilesOfAllLineEndings) {
  for (const char* bytes : {"", "a", "a\n", "a\r\nb\r\n", "a\rb\r", "a\r\nb\nc\rd", "\r\n\n\r\r\n",
                            "\xEF\xBB\xBF"
                            "bom\r\n"}) {
    const auto f = decode_file(bytes).value();
    EXPECT_EQ(f.text.find(u'\r'), std::u16string::npos);
    EXPECT_EQ(encode_file(f.text, f.endings), bytes);
  }
}

TEST(TextFile, UntouchedLinesKeepTheirEndingAndNewOnesGetTheUsual) {
  const auto f = decode_file("one\r\ntwo\nthree\r\n").value();
  const auto change = change_set::replacing(f.text.size(), 3, 3, u"\nnew");
  EXPECT_EQ(encode_file(applied(f.text, change), f.endings.after(change, f.text)), "one\r\nnew\r\ntwo\nthree\r\n");
  const auto cut = change_set::replacing(f.text.size(), 2, 5, u"");
  EXPECT_EQ(encode_file(applied(f.text, cut), f.endings.after(cut, f.text)), "onwo\nthree\r\n");
}

}  // namespace
}  // namespace atrium::project
