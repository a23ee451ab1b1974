#include "apps/project/collab/document.hpp"

#include <gtest/gtest.h>

#include "tests/unit/project/random_text.hpp"

namespace atrium::project {
namespace {

document made(std::u16string text, document_limits limits = {}) {
  return document("e1", file_text{std::move(text), {}}, "digest", limits);
}

std::vector<update> one(std::string client, std::string id, change_set c) {
  return {{std::move(client), std::move(id), std::move(c)}};
}

/// Plans and applies, as the server does. Number of acknowledged updates.
std::size_t push(document& d, std::uint64_t version, const std::vector<update>& updates) {
  const auto plan = d.plan_push(version, updates).value();
  for (std::size_t i = 0; i < plan.fresh; ++i) d.apply(updates[plan.repeated + i]);
  d.forget_old();
  return plan.repeated + plan.fresh;
}

TEST(Document, TakesPushesAtTheCurrentVersionOnly) {
  auto d = made(u"hello");
  EXPECT_EQ(push(d, 0, one("a", "1", change_set::replacing(5, 5, 5, u"!"))), 1u);
  EXPECT_EQ(push(d, 0, one("b", "1", change_set::replacing(5, 0, 0, u"?"))), 0u);
  EXPECT_EQ(d.text(), u"hello!");
  EXPECT_EQ(d.version(), 1u);
  EXPECT_FALSE(d.plan_push(2, {}).has_value());
}

TEST(Document, RepeatedUpdatesAreAcknowledgedAndNotDoubled) {
  auto d = made(u"");
  std::vector<update> two = one("a", "1", change_set::replacing(0, 0, 0, u"x"));
  EXPECT_EQ(push(d, 0, two), 1u);
  two.push_back({"a", "2", change_set::replacing(1, 1, 1, u"y")});
  EXPECT_EQ(push(d, 0, two), 2u) << "the answer of the first was lost; the client sends it again with the next";
  EXPECT_EQ(push(d, 0, two), 2u);
  EXPECT_EQ(d.text(), u"xy");
  two.push_back({"a", "3", change_set::replacing(2, 2, 2, u"z")});
  push(d, 2, one("b", "1", change_set::replacing(2, 0, 0, u"B")));
  EXPECT_EQ(push(d, 0, two), 2u) << "behind: the third needs a rebase";
  EXPECT_EQ(d.text(), u"Bxy");
}

TEST(Document, RefusesWhatDoesNotFitAndChangesNothing) {
  auto d = made(u"abc", {.text_units = 10});
  auto bad = one("a", "1", change_set::replacing(3, 0, 0, u"x"));
  bad.push_back({"a", "2", change_set::none(3)});  // 4 by now
  EXPECT_FALSE(d.plan_push(0, bad).has_value());
  EXPECT_FALSE(d.plan_push(0, one("disk", "1", change_set::none(3))).has_value());
  EXPECT_FALSE(d.plan_push(0, one("", "1", change_set::none(3))).has_value());
  EXPECT_FALSE(d.plan_push(0, one("a", "1", change_set::replacing(3, 0, 0, std::u16string(8, u'x')))).has_value());
  EXPECT_EQ(d.text(), u"abc");
  EXPECT_EQ(d.version(), 0u);
}

TEST(Document, KeepsABoundedHistory) {
  auto d = made(u"", {.history_count = 10});
  for (std::size_t i = 0; i < 25; ++i) push(d, i, one("a", std::to_string(i), change_set::replacing(i, i, i, u"x")));
  EXPECT_TRUE(d.keeps_since(15));
  EXPECT_TRUE(d.keeps_since(25));
  EXPECT_FALSE(d.keeps_since(14));
  EXPECT_FALSE(d.keeps_since(26));
  EXPECT_EQ(d.at(24).what.id, "24");
  EXPECT_EQ(d.at(24).json, R"({"clientID":"a","changes":[24,[0,"x"]]})");
}

TEST(Document, MergesWhatOthersWroteToTheFile) {
  auto d = made(u"one\ntwo\nthree\n");
  push(d, 0, one("a", "1", change_set::replacing(14, 0, 3, u"ONE")));
  d.apply_disk(d.change_on_disk({u"one\ntwo\nTHREE\n", {}}), {}, "digest2");
  EXPECT_EQ(d.text(), u"ONE\ntwo\nTHREE\n");
  EXPECT_EQ(d.at(1).what.client_id, "disk");
  EXPECT_TRUE(d.dirty());
  EXPECT_EQ(d.all().disk.text, u"one\ntwo\nTHREE\n");
  d.begin_save("digest3");
  push(d, 2, one("a", "2", change_set::replacing(14, 14, 14, u"x")));
  d.saved();
  EXPECT_TRUE(d.dirty()) << "typed while the file was written";
  EXPECT_EQ(d.all().disk.text, u"ONE\ntwo\nTHREE\n");
  EXPECT_EQ(d.file_bytes(), "ONE\ntwo\nTHREE\nx");
  d.begin_save("digest4");
  d.saved();
  EXPECT_FALSE(d.dirty());
}

TEST(Document, TheSameChangeOnDiskAndHereIsNotUndone) {
  auto d = made(u"a\nb\n");
  push(d, 0, one("a", "1", change_set::replacing(4, 2, 3, u"")));
  d.apply_disk(d.change_on_disk({u"a\n\n", {}}), {}, "x");
  EXPECT_EQ(d.version(), 1u) << "both removed the b";
  EXPECT_EQ(d.text(), u"a\n\n");
  EXPECT_FALSE(d.dirty());
}

}  // namespace
}  // namespace atrium::project
