// Which transactions a snapshot sees.
#include "atrium/pg/snapshot.hpp"

#include <gtest/gtest.h>

namespace atrium::pg {
namespace {

TEST(Snapshot, SeesWhatHadEnded) {
  const auto s = snapshot::parse("10:20:10,15").value();
  EXPECT_TRUE(s.sees(9));
  EXPECT_FALSE(s.sees(10));
  EXPECT_TRUE(s.sees(11));
  EXPECT_FALSE(s.sees(15));
  EXPECT_TRUE(s.sees(19));
  EXPECT_FALSE(s.sees(20));
  EXPECT_FALSE(s.sees(21));
  EXPECT_FALSE(snapshot().sees(1));
}

TEST(Snapshot, IdsGoAroundTheCircle) {
  // 2^32 + 5 in the snapshot is 5 in the stream.
  const auto s = snapshot::parse("4294967290:4294967301:4294967298").value();
  EXPECT_TRUE(s.sees(4294967295u));
  EXPECT_FALSE(s.sees(2));
  EXPECT_TRUE(s.sees(4));
  EXPECT_FALSE(s.sees(5));
  EXPECT_FALSE(s.sees(1'000'000));
}

TEST(Snapshot, MalformedTextIsRefused) {
  EXPECT_TRUE(snapshot::parse("1:1:"));
  for (const char* bad :
       {"", "1", "1:2", ":2:", "1:x:", "1:2:3,", "1:2:,3", "1:2:3;4", "-1:2:", "99999999999999999999999:1:"})
    EXPECT_FALSE(snapshot::parse(bad)) << bad;
}

}  // namespace
}  // namespace atrium::pg
