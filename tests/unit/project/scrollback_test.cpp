#include "apps/project/terminals/scrollback.hpp"

#include <gtest/gtest.h>

#include "tests/unit/project/random_text.hpp"

namespace atrium::project {
namespace {

std::string all(const scrollback& s) { return std::string(s.read(s.begin(), s.limit() * 2)); }

TEST(Scrollback, KeepsTheEndOfALongOutputFromTheStartOfALine) {
  scrollback s(100'000);
  std::string whole;
  for (int i = 0; i < 50'000; ++i) {
    const auto line = "line " + std::to_string(i) + "\r\n";
    s.append(line);
    whole += line;
  }
  EXPECT_EQ(s.end(), whole.size());
  EXPECT_LE(s.end() - s.begin(), 100'000u);
  EXPECT_GE(s.end() - s.begin(), 90'000u);
  EXPECT_EQ(all(s), whole.substr(s.begin()));
  EXPECT_TRUE(all(s).starts_with("line "));
}

TEST(Scrollback, ReadsPiecesByPosition) {
  scrollback s(1000);
  s.append("hello world");
  EXPECT_EQ(s.read(6, 3), "wor");
  EXPECT_EQ(s.read(6, 100), "world");
  EXPECT_EQ(s.read(11, 100), "");
  EXPECT_EQ(s.read(99, 1), "");
}

TEST(Scrollback, TitlesInPiecesAndHostileOnes) {
  scrollback s;
  for (const char c : std::string("\x1b]0;my \xC3\xBC title\x07")) s.append(std::string(1, c));
  EXPECT_EQ(s.title(), "my \xC3\xBC title");
  s.append("\x1b]2;other\x1b\\text");
  EXPECT_EQ(s.title(), "other");
  s.append("\x1b]4;1;red\x07");
  EXPECT_EQ(s.title(), "other");
  s.append("\x1b]0;" + std::string(100'000, 'x') + "\x07");
  EXPECT_EQ(s.title().size(), 200u);
  s.append("\x1b]0;a\nb\x01\x07");
  EXPECT_EQ(s.title(), "ab");
  s.append("\x1b]0;never ended");
  s.append(std::string(1'000'000, 'y'));
  EXPECT_EQ(s.title(), "ab");
}

TEST(Scrollback, SwitchesModesOnAgainThatWereOnBeforeTheCut) {
  scrollback s(50'000);
  s.append("\x1b[?1049;2004h\x1b[?25l\x1b[?7l");
  const std::string line(99, 'x');
  for (int i = 0; i < 2'000; ++i) s.append(line + "\n");
  EXPECT_EQ(s.prefix(), "\x1b[?7l\x1b[?25l\x1b[?1049h\x1b[?2004h");
  s.append("\x1b[?1049l\x1b[?25h\x1b[?7h");
  for (int i = 0; i < 2'000; ++i) s.append(line + "\n");
  EXPECT_EQ(s.prefix(), "\x1b[?2004h");
  s.append(
      "\x1b"
      "c");
  for (int i = 0; i < 2'000; ++i) s.append(line + "\n");
  EXPECT_EQ(s.prefix(), "");
}

TEST(Scrollback, NeverCutsASequence) {
  tests::random r(3);
  for (int round = 0; round < 30; ++round) {
    scrollback s(20'000);
    std::string whole;
    std::vector<std::uint64_t> inside;  // positions within a sequence
    while (whole.size() < 200'000) {
      std::string piece;
      switch (tests::below(r, 5)) {
        case 0:
          piece = "\x1b[38;2;10;20;30m";
          break;
        case 1:
          piece = "\x1b]8;;http://example.test/\n\x1b\\";
          break;
        case 2:
          piece = std::string(tests::below(r, 300), 'a');
          break;
        case 3:
          piece = "\n";
          break;
        default:
          piece = "\x1bP1$r0m\n\n\x1b\\";
          break;
      }
      if (piece.starts_with('\x1b'))
        for (std::size_t i = 1; i < piece.size(); ++i) inside.push_back(whole.size() + i);
      whole += piece;
      for (std::size_t at = 0; at < piece.size();) {
        const auto n = 1 + tests::below(r, piece.size() - at);
        s.append(piece.substr(at, n));
        at += n;
        ASSERT_FALSE(std::binary_search(inside.begin(), inside.end(), s.begin())) << "cut at " << s.begin();
      }
    }
    EXPECT_EQ(all(s), whole.substr(s.begin()));
  }
}

TEST(Scrollback, RandomBytesAreHarmless) {
  tests::random r(4);
  scrollback s(10'000);
  for (int i = 0; i < 5'000; ++i) {
    std::string piece(tests::below(r, 60), '\0');
    for (auto& c : piece)
      c = tests::below(r, 4) == 0 ? "\x1b[]?;0hlP\\\x07\n\x18"[tests::below(r, 13)] : static_cast<char>(r());
    s.append(piece);
    ASSERT_LE(s.end() - s.begin(), 10'000u);
  }
}

}  // namespace
}  // namespace atrium::project
