#include "atrium/base/trace.hpp"

#include <gtest/gtest.h>

namespace atrium {
namespace {

constexpr std::string_view digits = "0af7651916cd43dd8448eb211c80319c";
std::string parent(std::string_view version, std::string_view id, std::string_view span, std::string_view rest) {
  return std::string(version) + "-" + std::string(id) + "-" + std::string(span) + "-" + std::string(rest);
}

TEST(Trace, AnIdIsItsDigits) {
  const auto id = trace::parse(digits);
  ASSERT_TRUE(id);
  EXPECT_EQ(id.text(), digits);
  EXPECT_EQ(trace::id{}.text(), "");
  EXPECT_FALSE(trace::parse("00000000000000000000000000000000"));
  EXPECT_FALSE(trace::parse("0AF7651916CD43DD8448EB211C80319C"));
  EXPECT_FALSE(trace::parse(digits.substr(1)));
  EXPECT_FALSE(trace::parse(""));
}

TEST(Trace, NewIdsDifferAndSurviveTheHeader) {
  const auto a = trace::make(), b = trace::make();
  EXPECT_NE(a, b);
  EXPECT_TRUE(a);
  const auto header = trace::to_traceparent(a);
  EXPECT_EQ(header.size(), 55u);
  EXPECT_EQ(trace::parse_traceparent(header), a);
  EXPECT_NE(header, trace::to_traceparent(a)) << "each request has a parent id of its own";
}

TEST(Trace, ATraceparentOfVersion00HasExactlyOneForm) {
  const std::string span = "b7ad6b7169203331";
  const auto ok = parent("00", digits, span, "01");
  EXPECT_EQ(trace::parse_traceparent(ok).text(), digits);
  EXPECT_EQ(trace::parse_traceparent(parent("00", digits, span, "00")).text(), digits);
  for (const auto& bad :
       {std::string(), std::string("00"), ok.substr(0, 54), ok + "-more", ok + " ", " " + ok,
        parent("ff", digits, span, "01"), parent("0x", digits, span, "01"), parent("00", digits, span, "0g"),
        parent("00", std::string(32, '0'), span, "01"), parent("00", digits, std::string(16, '0'), "01"),
        parent("00", "0AF7651916CD43DD8448EB211C80319C", span, "01"), parent("00", digits, "B7AD6B7169203331", "01"),
        parent("00", std::string(31, 'a') + "\n", span, "01"), parent("00", std::string(32, '"'), span, "01"),
        std::string(55, '-'), std::string(4096, '0'), std::string(55, '\0')})
    EXPECT_FALSE(trace::parse_traceparent(bad)) << bad;
}

TEST(Trace, LaterVersionsMayHaveMoreBehindADash) {
  const std::string span = "b7ad6b7169203331";
  EXPECT_TRUE(trace::parse_traceparent(parent("01", digits, span, "01")));
  EXPECT_TRUE(trace::parse_traceparent(parent("cc", digits, span, "01-what-comes")));
  EXPECT_FALSE(trace::parse_traceparent(parent("cc", digits, span, "01.what-comes")));
}

}  // namespace
}  // namespace atrium
