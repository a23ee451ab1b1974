// The decoder of logical replication messages: what a server sends, cut and twisted.
#include "atrium/pg/pgoutput.hpp"

#include <gtest/gtest.h>

#include <random>

namespace atrium::pg {
namespace {

/// Builds messages as PostgreSQL does.
struct bytes {
  std::string data;
  template <class T>
  bytes& number(T value) {
    for (int shift = 8 * (int(sizeof(T)) - 1); shift >= 0; shift -= 8) data += char(std::uint64_t(value) >> shift);
    return *this;
  }
  bytes& letter(char c) { return data += c, *this; }
  bytes& terminated(std::string_view text) { return data.append(text) += '\0', *this; }
  bytes& text(std::string_view text) {
    return letter('t').number<std::uint32_t>(std::uint32_t(text.size())), data += text, *this;
  }
};

std::span<const std::byte> view(const std::string& s) {
  return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}

std::string projects_relation() {
  bytes b;
  b.letter('R')
      .number<std::uint32_t>(4711)
      .terminated("public")
      .terminated("projects")
      .letter('d')
      .number<std::uint16_t>(3);
  b.number<std::uint8_t>(1).terminated("project_id").number<std::uint32_t>(2950).number<std::uint32_t>(0xffffffff);
  b.number<std::uint8_t>(0).terminated("title").number<std::uint32_t>(25).number<std::uint32_t>(0xffffffff);
  b.number<std::uint8_t>(0).terminated("users").number<std::uint32_t>(3802).number<std::uint32_t>(0xffffffff);
  return b.data;
}

std::string update_with_old_key() {
  bytes b;
  b.letter('U').number<std::uint32_t>(4711).letter('K').number<std::uint16_t>(3).text("p1").letter('n').letter('n');
  b.letter('N').number<std::uint16_t>(3).text("p2").text("Größe 漢").letter('u');
  return b.data;
}

class Pgoutput : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(decoder_.decode(view(projects_relation()))); }
  pgoutput::decoder decoder_;
};

TEST_F(Pgoutput, BeginAndCommitCarryPlaceAndTime) {
  auto b = decoder_.decode(view(bytes{}
                                    .letter('B')
                                    .number<std::uint64_t>(0x16b374d848)
                                    .number<std::uint64_t>(1'000'000)
                                    .number<std::uint32_t>(7)
                                    .data));
  ASSERT_TRUE(b);
  const auto& begin = std::get<pgoutput::begin>(*b);
  EXPECT_EQ(to_text(begin.final_lsn), "16/B374D848");
  EXPECT_EQ(begin.commit_time,
            wall_time(std::chrono::sys_days(std::chrono::year(2000) / 1 / 1)) + std::chrono::seconds(1));
  EXPECT_EQ(begin.transaction, 7u);
  auto c = decoder_.decode(view(bytes{}
                                    .letter('C')
                                    .letter('\0')
                                    .number<std::uint64_t>(1)
                                    .number<std::uint64_t>(2)
                                    .number<std::uint64_t>(0)
                                    .data));
  ASSERT_TRUE(c);
  EXPECT_EQ(std::get<pgoutput::commit>(*c).end_lsn, 2u);
}

TEST_F(Pgoutput, UpdateHasOldKeyNewRowAndUnchangedValues) {
  auto m = decoder_.decode(view(update_with_old_key()));
  ASSERT_TRUE(m);
  const auto& c = std::get<change>(*m);
  EXPECT_EQ(c.op, change::operation::update);
  EXPECT_EQ(c.table->name, "projects");
  EXPECT_TRUE(c.table->columns[0].key);
  EXPECT_EQ(c.old_row[0].text, "p1");
  EXPECT_EQ(c.find("project_id")->text, "p2");
  EXPECT_EQ(c.find("title")->text, "Größe 漢");
  EXPECT_TRUE(c.find("users")->unchanged);
  EXPECT_EQ(c.find("missing"), nullptr);
}

TEST_F(Pgoutput, DeleteIsFoundByItsOldKey) {
  auto m = decoder_.decode(view(bytes{}
                                    .letter('D')
                                    .number<std::uint32_t>(4711)
                                    .letter('K')
                                    .number<std::uint16_t>(3)
                                    .text("p1")
                                    .letter('n')
                                    .letter('n')
                                    .data));
  ASSERT_TRUE(m);
  const auto& c = std::get<change>(*m);
  EXPECT_EQ(c.op, change::operation::remove);
  EXPECT_EQ(c.find("project_id")->text, "p1");
  EXPECT_FALSE(c.find("title")->text);
}

TEST_F(Pgoutput, TruncateNamesItsTables) {
  auto m =
      decoder_.decode(view(bytes{}.letter('T').number<std::uint32_t>(1).letter('\0').number<std::uint32_t>(4711).data));
  ASSERT_TRUE(m);
  const auto& all = std::get<std::vector<change>>(*m);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].op, change::operation::truncate);
}

TEST_F(Pgoutput, EveryCutIsRefused) {
  for (const auto& whole : {projects_relation(), update_with_old_key()})
    for (std::size_t n = 0; n < whole.size(); ++n) {
      auto m = decoder_.decode(view(whole.substr(0, n)));
      ASSERT_FALSE(m) << n;
      EXPECT_EQ(m.error().code(), "pg.pgoutput");
    }
  EXPECT_TRUE(decoder_.decode(view(update_with_old_key()))) << "a refused relation must not replace the good one";
}

TEST_F(Pgoutput, HostileNumbersAreRefused) {
  EXPECT_FALSE(decoder_.decode(view(update_with_old_key() + "x"))) << "trailing bytes";
  EXPECT_FALSE(
      decoder_.decode(view(bytes{}.letter('I').number<std::uint32_t>(1).letter('N').number<std::uint16_t>(0).data)))
      << "unknown table";
  EXPECT_FALSE(decoder_.decode(
      view(bytes{}.letter('I').number<std::uint32_t>(4711).letter('N').number<std::uint16_t>(65535).data)));
  bytes huge;
  huge.letter('I').number<std::uint32_t>(4711).letter('N').number<std::uint16_t>(3).letter('t').number<std::uint32_t>(
      0xffffffff);
  EXPECT_FALSE(decoder_.decode(view(huge.data))) << "length beyond the message";
  EXPECT_FALSE(decoder_.decode(view(bytes{}.letter('T').number<std::uint32_t>(0xffffffff).letter('\0').data)));
  EXPECT_FALSE(
      decoder_.decode(view(bytes{}.letter('I').number<std::uint32_t>(4711).letter('K').number<std::uint16_t>(0).data)));
  EXPECT_FALSE(decoder_.decode(view(std::string("Z"))));
}

TEST_F(Pgoutput, RandomBytesNeverHurt) {
  std::mt19937 random(20240501);
  const std::string seeds[] = {projects_relation(), update_with_old_key()};
  for (int i = 0; i < 20000; ++i) {
    auto text = seeds[i % 2];
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) text[random() % text.size()] = char(random());
    pgoutput::decoder fresh = decoder_;
    (void)fresh.decode(view(text));
  }
}

}  // namespace
}  // namespace atrium::pg
