// Who is told what when rows change.
#include "apps/hub-websocket/live_index.hpp"

#include <gmock/gmock.h>

#include "apps/hub-websocket/rate_limit.hpp"

namespace atrium::hub_websocket {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

row_text row(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

class LiveIndex : public testing::Test {
 protected:
  live_index::subscription_ptr open(domain::account_id who, std::vector<keyed_row> rows = {}) {
    auto s = add(who);
    index.start(*s, rows);
    return s;
  }
  live_index::subscription_ptr add(domain::account_id who) {
    auto s = std::make_shared<subscription>(
        ++last, who, [this, who](std::string m) { (who == ann ? for_ann : for_bob).push_back(std::move(m)); });
    index.add(s);
    return s;
  }
  void change(const std::string& key, std::vector<domain::account_id> audience, row_text r) {
    index.change(key, audience, r);
    index.flush();
  }

  domain::account_id ann = domain::account_id::make_random(), bob = domain::account_id::make_random();
  std::vector<std::string> for_ann, for_bob;
  live_index index;
  std::uint64_t last = 0;
};

TEST_F(LiveIndex, TellsThoseWhoMaySee) {
  open(ann);
  open(bob);
  change("p", {ann}, row("{1}"));
  EXPECT_THAT(for_ann, ElementsAre(R"({"event":"changes","subscription":1,"changes":[{"op":"upsert","row":{1}}]})"));
  EXPECT_THAT(for_bob, IsEmpty());
}

TEST_F(LiveIndex, SameRowAgainTellsNobody) {
  open(ann, {{"p", row("{1}")}});
  change("p", {ann}, row("{1}"));
  EXPECT_THAT(for_ann, IsEmpty());
  change("p", {ann}, row("{2}"));
  EXPECT_EQ(for_ann.size(), 1u);
}

TEST_F(LiveIndex, WhoLosesARowIsToldSo) {
  open(ann, {{"p", row("{1}")}});
  open(bob, {{"p", row("{1}")}});
  change("p", {ann}, row("{2}"));
  EXPECT_THAT(for_bob, ElementsAre(R"({"event":"changes","subscription":2,"changes":[{"op":"delete","key":"p"}]})"));
  EXPECT_EQ(for_ann.size(), 1u);
  change("p", {}, nullptr);
  EXPECT_EQ(for_ann.size(), 2u);
  EXPECT_EQ(for_bob.size(), 1u) << "it has none to lose";
}

TEST_F(LiveIndex, ChangesOfOneBatchAreOneMessage) {
  open(ann);
  const domain::account_id audience[] = {ann};
  index.change("p", audience, row("{1}"));
  index.change("q", audience, row("{2}"));
  index.change("p", audience, row("{3}"));
  EXPECT_EQ(index.flush(), 1u);
  EXPECT_THAT(
      for_ann,
      ElementsAre(
          R"({"event":"changes","subscription":1,"changes":[{"op":"upsert","row":{3}},{"op":"upsert","row":{2}}]})"));
}

TEST_F(LiveIndex, ChangesDuringTheFirstReadFollowIt) {
  auto s = add(ann);
  change("new", {ann}, row("{n}"));
  change("same", {ann}, row("{s}"));
  change("gone", {bob}, row("{g}"));
  change("never", {bob}, row("{x}"));
  EXPECT_THAT(for_ann, IsEmpty());
  const std::vector<keyed_row> read = {{"same", row("{s}")}, {"gone", row("{g}")}};
  index.start(*s, read);
  EXPECT_THAT(
      for_ann,
      ElementsAre(
          R"({"event":"changes","subscription":1,"changes":[{"op":"delete","key":"gone"},{"op":"upsert","row":{n}}]})"));
}

TEST_F(LiveIndex, AfterAGapOnlyDifferencesAreTold) {
  auto s = open(ann, {{"same", row("{s}")}, {"old", row("{o}")}, {"gone", row("{g}")}});
  const std::vector<keyed_row> now = {{"same", row("{s}")}, {"old", row("{o2}")}, {"new", row("{n}")}};
  index.replace(*s, now);
  EXPECT_THAT(
      for_ann,
      ElementsAre(
          R"({"event":"changes","subscription":1,"changes":[{"op":"delete","key":"gone"},{"op":"upsert","row":{n}},{"op":"upsert","row":{o2}}]})"));
  index.replace(*s, now);
  EXPECT_EQ(for_ann.size(), 1u);
}

TEST_F(LiveIndex, TransactionsThatTheReadContainsAreNotToldAgain) {
  auto s = add(ann);
  const domain::account_id audience[] = {ann};
  index.change("p", audience, row("{old}"), 7);
  index.change("q", audience, row("{q}"), 11);
  index.reading(*s, pg::snapshot::parse("8:12:8,11").value());
  index.change("p", audience, row("{older}"), 10);
  const std::vector<keyed_row> read = {{"p", row("{now}")}};
  index.start(*s, read);
  EXPECT_THAT(for_ann, ElementsAre(R"({"event":"changes","subscription":1,"changes":[{"op":"upsert","row":{q}}]})"));
  index.change("p", audience, row("{new}"), 8);
  EXPECT_EQ(index.flush(), 1u) << "8 ran when the read began";
  index.change("p", audience, row("{renamed}"));
  EXPECT_EQ(index.flush(), 1u) << "not told by a transaction";
}

TEST_F(LiveIndex, RemovedSubscriptionsHearNothingAndLeaveNothing) {
  auto s = open(ann, {{"p", row("{1}")}});
  auto loading = add(ann);
  index.remove(s);
  index.remove(s);
  index.remove(loading);
  index.start(*loading, {});
  change("p", {ann}, row("{2}"));
  EXPECT_THAT(for_ann, IsEmpty());
  EXPECT_EQ(index.size(), 0u);
  const domain::account_id audience[] = {ann};
  EXPECT_FALSE(index.wanted("p", audience));
}

TEST(RateLimit, RefillsWithTime) {
  const auto start = std::chrono::steady_clock::time_point() + std::chrono::hours(1);
  rate_limit limit(10, 3, start);
  EXPECT_TRUE(limit.take(start) && limit.take(start) && limit.take(start));
  EXPECT_FALSE(limit.take(start));
  EXPECT_TRUE(limit.take(start + std::chrono::milliseconds(101)));
  EXPECT_FALSE(limit.take(start + std::chrono::milliseconds(101)));
}

}  // namespace
}  // namespace atrium::hub_websocket
