// Text forms of values, error mapping and the cache of prepared statements.
#include <gtest/gtest.h>

#include "atrium/pg/connection.hpp"
#include "pg/src/errors.hpp"
#include "pg/src/statements.hpp"

namespace atrium::pg {
namespace {

TEST(Parameter, TextForms) {
  EXPECT_EQ(parameter(42).text(), "42");
  EXPECT_EQ(parameter(true).text(), "t");
  EXPECT_EQ(parameter(1.5).text(), "1.5");
  EXPECT_EQ(parameter(-1.0 / 0.0).text(), "-Infinity");
  EXPECT_EQ(parameter(nullptr).text(), std::nullopt);
  EXPECT_EQ(parameter(std::optional<int>()).text(), std::nullopt);
  EXPECT_EQ(parameter(std::optional<std::string>("x")).text(), "x");
}

TEST(Array, WritesAndReadsEveryKindOfElement) {
  const std::vector<std::string> items = {"plain", "with \"quotes\"", "back\\slash", "comma,brace{}", "", "NULL",
                                          "ü漢"};
  const auto text = *array(items).text();
  const auto back = parse_array(text);
  ASSERT_EQ(back.size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(back[i], items[i]);
  EXPECT_EQ(parse_array("{a,NULL,\"NULL\"}"), (std::vector<std::optional<std::string>>{"a", std::nullopt, "NULL"}));
  EXPECT_TRUE(parse_array("{}").empty());
  for (const char* bad : {"", "{", "a", "{a", "{\"a}", "{a,}", "{,a}", "{{a}}", "{\"a\"b}", "{a}}", "{\"a\\\"}"})
    EXPECT_THROW(parse_array(bad), failure) << bad;
}

TEST(Errors, StatesBecomeDispositions) {
  const std::pair<const char*, disposition> expected[] = {
      {"23505", disposition::conflict},     {"40001", disposition::conflict},     {"40P01", disposition::conflict},
      {"23514", disposition::invalid},      {"42601", disposition::invalid},      {"42501", disposition::denied},
      {"53100", disposition::overloaded},   {"53300", disposition::overloaded},   {"57014", disposition::timed_out},
      {"57P01", disposition::disconnected}, {"08006", disposition::disconnected}, {"3D000", disposition::not_found},
      {"XX000", disposition::failed}};
  for (const auto& [state, what] : expected) {
    const auto e = server_error(state, "secret table text");
    EXPECT_EQ(e.disposition(), what) << state;
    EXPECT_EQ(e.code(), std::string("pg.") + state);
    EXPECT_EQ(e.public_text().find("secret"), std::string::npos);
  }
  EXPECT_EQ(server_error("", "x").disposition(), disposition::disconnected);
}

TEST(Errors, ConnectMessagesAreUnderstoodByTheirState) {
  EXPECT_EQ(connect_error("connection to server failed: FATAL:  53300: sorry, too many clients already").disposition(),
            disposition::overloaded);
  EXPECT_EQ(connect_error("FATAL:  57P03: the database system is starting up").disposition(),
            disposition::disconnected);
  EXPECT_EQ(connect_error("FATAL:  28P01: password authentication failed").disposition(), disposition::denied);
  EXPECT_EQ(connect_error("connection refused:  is it running: on that host?").disposition(),
            disposition::disconnected);
  EXPECT_EQ(connect_error("").disposition(), disposition::disconnected);
}

TEST(Errors, WorthARetry) {
  EXPECT_TRUE(worth_a_retry(server_error("40001", "")));
  EXPECT_TRUE(worth_a_retry(stale_plan("")));
  EXPECT_FALSE(worth_a_retry(server_error("0A000", "")));
  EXPECT_FALSE(worth_a_retry(server_error("23505", "")));
}

TEST(StatementCache, DropsTheLeastRecentlyUsed) {
  statement_cache cache(2);
  const auto a = cache.add("a");
  cache.add("b");
  EXPECT_EQ(cache.find("a"), a);
  cache.add("c");
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_EQ(cache.find("a"), a);
  const auto dropped = cache.take_dropped();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_NE(cache.add("b")->name, dropped[0]) << "a name is never used twice";
  cache.clear();
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_TRUE(cache.take_dropped().empty());
}

}  // namespace
}  // namespace atrium::pg
