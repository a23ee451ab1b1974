// What must be known of an answer before its rest may be asked for.
#include "net/src/resumed_answer.hpp"

#include <gtest/gtest.h>

namespace atrium::net {
namespace {

const std::pair<std::string_view, std::string_view> etag{"ETag", "\"v1\""}, ranges{"Accept-Ranges", "bytes"},
    length{"Content-Length", "100"};

TEST(ResumedAnswer, AWholeAnswerNeedsAStrongEtagALengthAndRanges) {
  EXPECT_EQ(part_of(200, {etag, ranges, length}), (answer_part{0, 100, 100, "\"v1\""}));
  EXPECT_FALSE(part_of(200, {ranges, length}));
  EXPECT_FALSE(part_of(200, {etag, length}));
  EXPECT_FALSE(part_of(200, {etag, ranges}));
  EXPECT_FALSE(part_of(200, {etag, {"Accept-Ranges", "none"}, length}));
  EXPECT_FALSE(part_of(200, {etag, etag, ranges, length}));
  for (const char* weak : {"W/\"v1\"", "v1", "\"", ""}) EXPECT_FALSE(part_of(200, {{"ETag", weak}, ranges, length}));
  for (const unsigned status : {201u, 203u, 404u, 304u}) EXPECT_FALSE(part_of(status, {etag, ranges, length}));
}

TEST(ResumedAnswer, APartSaysWhichOneItIs) {
  EXPECT_EQ(part_of(206, {etag, {"Content-Range", "bytes 5-9/20"}}), (answer_part{5, 10, 20, "\"v1\""}));
  EXPECT_EQ(part_of(206, {etag, {"Content-Range", "bytes 0-0/1"}}), (answer_part{0, 1, 1, "\"v1\""}));
  for (const char* wrong : {"bytes 5-9/*", "bytes */20", "bytes 9-5/20", "bytes 5-20/20", "bytes 5-9", "bytes 5/20-9",
                            "5-9/20", "items 5-9/20", "bytes -9/20", "bytes 5-/20", "bytes  5-9/20", "bytes 5-9/20 ",
                            "bytes 5-18446744073709551616/18446744073709551617", ""})
    EXPECT_FALSE(part_of(206, {etag, {"Content-Range", wrong}})) << wrong;
  EXPECT_FALSE(part_of(206, {etag, {"Content-Type", "multipart/byteranges; boundary=x"}}));
  EXPECT_FALSE(part_of(206, {etag, {"Content-Range", "bytes 5-9/20"}, {"Content-Range", "bytes 0-9/20"}}));
}

}  // namespace
}  // namespace atrium::net
