#include "net/src/http1_body.hpp"

#include <gmock/gmock.h>

#include "net/src/http1_writer.hpp"

using namespace atrium::net;
using namespace atrium::net::http1;

namespace {

struct outcome {
  progress what = progress::more;
  std::string data;
  std::size_t consumed = 0;
  bool operator==(const outcome&) const = default;
};

outcome feed(std::string_view text, std::size_t cut) {
  chunk_decoder d;
  outcome o;
  for (std::string_view part : {text.substr(0, cut), text.substr(cut)}) {
    while (o.what == progress::more && !part.empty()) {
      const auto s = d.next(part);
      o.data += s.data;
      o.consumed += s.consumed;
      part.remove_prefix(s.consumed);
      o.what = s.what;
      if (s.consumed == 0 && s.what == progress::more) break;
    }
    if (o.what == progress::more) o.what = d.next({}).what;
  }
  return o;
}

outcome decode(std::string_view text) {
  const auto whole = feed(text, text.size());
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(feed(text, cut), whole) << "cut at " << cut << " of:\n" << text;
  return whole;
}

TEST(Chunks, AreDecoded) {
  const auto o = decode("5\r\nhello\r\n01\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nNEXT");
  EXPECT_EQ(o.what, progress::done);
  EXPECT_EQ(o.data, "hello 0123456789");
  EXPECT_EQ(o.consumed, std::string_view("5\r\nhello\r\n01\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n").size());
  EXPECT_EQ(decode("000\r\n\r\n").what, progress::done);
}

TEST(Chunks, ExtensionsAndTrailersAreSkipped) {
  EXPECT_EQ(decode("1;a\r\nx\r\n0;b=c;d=\"e;\\\" f\"\r\nT: u\r\nV:\r\n\r\n").data, "x");
  EXPECT_EQ(decode("0;b=\"\"\r\n\r\n").what, progress::done);
}

TEST(Chunks, TricksAreRefused) {
  for (const char* text : {"+1\r\nx\r\n",
                           "-1\r\nx\r\n",
                           "0x1\r\nx\r\n",
                           "1_0\r\n",
                           " 1\r\nx\r\n",
                           "1 \r\nx\r\n",
                           "1\t\r\nx\r\n",
                           "\r\n",
                           ";a\r\n",
                           "g\r\n",
                           "1\nx\r\n",
                           "1\r\nx\n",
                           "1\r\nxy\r\n",
                           "1\r\nx\r\r\n",
                           "1\rx\r\n",
                           "fffffffffffffffff\r\n",
                           "0000000000000000\r\n",
                           "1;\r\nx\r\n",
                           "1; a\r\nx\r\n",
                           "1;a b\r\nx\r\n",
                           "1;a=\r\nx\r\n",
                           "1;a=b=c\r\n",
                           "1;a=\"b\r\nx\r\n",
                           "1;a=\"b\"c\r\n",
                           "1;a\rb\r\n",
                           "1;a\nx",
                           "1;a=\"\x01\"\r\n",
                           "1;\x80\r\n",
                           "0\r\n\n",
                           "0\r\nX : a\r\n\r\n",
                           "0\r\nX\r\n\r\n",
                           "0\r\n X: a\r\n\r\n",
                           "0\r\nX: a\n\r\n",
                           "0\r\n\rX",
                           "0\r\nX: a\rb\r\n\r\n",
                           "1;a=\"b\\\r\n",
                           "0\r\nContent-Length: 1\r\n\r\n",
                           "0\r\ntransfer-encoding: chunked\r\n\r\n",
                           "0\r\nHost: a\r\n\r\n"})
    EXPECT_EQ(decode(text).what, progress::refused) << text;
  using std::string_literals::operator""s;
  EXPECT_EQ(decode("0\r\nX: a\0b\r\n\r\n"s).what, progress::refused);
}

TEST(Chunks, OverheadIsBounded) {
  EXPECT_EQ(feed("1;" + std::string(20'000, 'a'), 7).what, progress::refused);
  EXPECT_EQ(feed("0\r\nX: " + std::string(20'000, 'a'), 7).what, progress::refused);
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "1;abcdefgh\r\nx\r\n";
  EXPECT_EQ(feed(many, 7).what, progress::refused);
}

TEST(Chunks, UnfinishedBodiesWait) {
  const std::string text = "5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n";
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_EQ(feed(text.substr(0, n), 0).what, progress::more) << n;
}

TEST(Bodies, OfKnownLengthEndThere) {
  body_decoder d({.framing = framing::length, .length = 5});
  auto s = d.next("abc");
  EXPECT_EQ(s.data, "abc");
  EXPECT_FALSE(d.end_of_stream());
  s = d.next("deNEXT");
  EXPECT_EQ(s.data, "de");
  EXPECT_EQ(s.consumed, 2u);
  EXPECT_TRUE(d.finished());
  EXPECT_EQ(d.next("NEXT").what, progress::done);
  EXPECT_EQ(d.next("NEXT").consumed, 0u);
}

TEST(Bodies, UntilCloseEndWithTheConnection) {
  body_decoder d({.framing = framing::until_close});
  EXPECT_EQ(d.next("abc").data, "abc");
  EXPECT_FALSE(d.finished());
  EXPECT_TRUE(d.end_of_stream());
  EXPECT_TRUE(body_decoder({.framing = framing::none}).finished());
  EXPECT_FALSE(body_decoder({.framing = framing::chunked}).end_of_stream());
}

TEST(Writer, RefusesWhatWouldBreakTheFraming) {
  std::string out;
  EXPECT_TRUE(write_response_head(out, 200, {{"X", "a\tb"}}).has_value());
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nX: a\tb\r\n\r\n");
  for (auto bad : {headers{{"X", "a\r\nY: b"}}, headers{{"X\r\n", "a"}}, headers{{"", "a"}}, headers{{"X Y", "a"}},
                   headers{{"X", std::string("\0", 1)}}})
    EXPECT_FALSE(write_response_head(out, 200, bad).has_value());
  EXPECT_FALSE(write_response_head(out, 99, {}).has_value());
  EXPECT_FALSE(write_request_head(out, {.target = "/ HTTP/1.1\r\nX: a"}).has_value());
  EXPECT_FALSE(write_request_head(out, {.method = "GET /x"}).has_value());
}

TEST(Writer, FramesChunksAndDates) {
  EXPECT_EQ(chunk_frame(0x1aF).text(), "1af\r\n");
  EXPECT_EQ(chunk_frame(UINT64_MAX).text(), "ffffffffffffffff\r\n");
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
