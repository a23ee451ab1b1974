#include "apps/project/collab/journal.hpp"

#include <gtest/gtest.h>

#include "tests/unit/project/random_text.hpp"

namespace atrium::project {
namespace {

using tests::below;

void expect_same(const document& a, const document& b) {
  EXPECT_EQ(a.epoch(), b.epoch());
  EXPECT_EQ(a.version(), b.version());
  EXPECT_EQ(a.text(), b.text());
  EXPECT_EQ(a.all().disk.text, b.all().disk.text);
  EXPECT_EQ(a.all().disk.digest, b.all().disk.digest);
  EXPECT_EQ(a.all().disk.endings, b.all().disk.endings);
  EXPECT_EQ(a.all().unsaved, b.all().unsaved);
  EXPECT_EQ(a.all().saving.has_value(), b.all().saving.has_value());
  ASSERT_EQ(a.all().history.size(), b.all().history.size());
  for (std::size_t i = 0; i < a.all().history.size(); ++i) {
    EXPECT_EQ(a.all().history[i].what, b.all().history[i].what);
    EXPECT_EQ(a.all().history[i].json, b.all().history[i].json);
  }
}

struct written {
  document doc;
  std::string bytes;
};

/// A random life of a document, every step written to the journal before it is applied.
written random_life(tests::random& r, int steps) {
  written w{document("e", decode_file("one\r\ntwo\nthree").value(), "d0"), {}};
  w.bytes = journal::begin("notes/a.txt", w.doc, false);
  for (int i = 0; i < steps; ++i) {
    auto& d = w.doc;
    switch (below(r, 8)) {
      case 0: {
        auto now = d.all().disk.text;
        tests::random_change(r, now.size()).apply(now);
        std::erase(now, u'\r');
        const auto changes = d.change_on_disk({now, {}});
        const std::string digest = "d" + std::to_string(i);
        w.bytes += journal::disk_record(changes, {}, digest);
        d.apply_disk(changes, {}, digest);
        break;
      }
      case 1:
        w.bytes += journal::saving_record("s" + std::to_string(i));
        d.begin_save("s" + std::to_string(i));
        break;
      case 2:
        if (!d.all().saving) break;
        if (below(r, 4) == 0) {
          w.bytes += journal::save_failed_record();
          d.save_failed();
        } else {
          w.bytes += journal::saved_record();
          d.saved();
        }
        break;
      case 3:
        if (below(r, 10) == 0) w.bytes = journal::begin("notes/a.txt", d, false);
        if (below(r, 10) == 0) {
          w.bytes += journal::removed_record();
          d.disk_removed();
        }
        break;
      default: {
        update u{"c" + std::to_string(below(r, 3)), std::to_string(i), tests::random_change(r, d.text().size())};
        w.bytes += journal::record(u);
        d.apply(std::move(u));
      }
    }
  }
  return w;
}

TEST(Journal, ReplaysADocumentExactly) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    tests::random r(seed);
    const auto w = random_life(r, 60);
    auto back = journal::replay(w.bytes);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->path, "notes/a.txt");
    EXPECT_EQ(back->good_bytes, w.bytes.size());
    expect_same(back->doc, w.doc);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Journal, ATornOrDamagedTailEndsItWhereItWasGood) {
  tests::random r(5);
  const auto w = random_life(r, 30);
  const auto whole = journal::replay(journal::begin("x", w.doc, true));
  ASSERT_TRUE(whole.has_value());
  for (std::size_t cut = 0; cut < w.bytes.size(); cut += 1 + below(r, 7)) {
    const auto back = journal::replay(std::string_view(w.bytes).substr(0, cut));
    if (back) EXPECT_LE(back->good_bytes, cut);
  }
  for (int i = 0; i < 2'000; ++i) {
    auto bytes = w.bytes;
    bytes[below(r, bytes.size())] ^= static_cast<char>(1u << below(r, 8));
    const auto back = journal::replay(bytes);
    if (back) EXPECT_LE(back->doc.version(), w.doc.version());
  }
  EXPECT_FALSE(journal::replay("").has_value());
  EXPECT_FALSE(journal::replay(std::string(100, '\0')).has_value());
}

TEST(Journal, EndingsOfAnotherTextAreNotPutBack) {
  document::state s;
  s.epoch = "e";
  s.text = s.disk.text = u"a\nb\nc\n";
  s.disk.endings.each = {line_ending::crlf};  // three lines, one ending
  s.unsaved = change_set::none(6);
  const auto back = journal::replay(journal::begin("p", document(std::move(s)), false));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->doc.file_bytes(), "a\nb\nc\n");
}

TEST(Journal, HalvesOfSurrogatePairsSurvive) {
  document d("e", decode_file("x\xF0\x9F\x98\x80y").value(), "d");
  const update u{"a", "1", change_set::replacing(4, 2, 3, u"\xD83C")};
  const auto bytes = journal::begin("p", d, false) + journal::record(u);
  d.apply(u);
  const auto back = journal::replay(bytes);
  ASSERT_TRUE(back.has_value());
  expect_same(back->doc, d);
}

}  // namespace
}  // namespace atrium::project
