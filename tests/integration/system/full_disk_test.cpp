// The disk under the database is full: people are told, what was confirmed stays, and everything goes on by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/integration/system/running_system.hpp"
#include "tests/support/small_disk.hpp"

namespace atrium::tests {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;

/// Creates projects, at most `most`, until one is refused; gives what was said. Those that were confirmed are in
/// `made`.
rt::task<std::string> create_until_refused(person& who, std::set<std::string>& made, int most) {
  std::string description;  // of random letters, which do not compress
  for (unsigned i = 0, state = 7; i < 9'000; ++i) {
    state = state * 1664525u + 1013904223u;
    description += static_cast<char>('a' + (state >> 24) % 26);
  }
  for (int i = 0; i < most; ++i) {
    const auto began = rt::clock::now();
    auto answer = co_await who.request("POST", "/api/v2/projects/create", {{"Content-Type", "application/json"}},
                                       json::serialize(json::object{{"title", "p"}, {"description", description}}));
    EXPECT_LT(rt::clock::now() - began, 15s);
    json::error_code problem;
    const auto value = json::parse(answer.body, problem);
    if (problem) co_return answer.body;
    if (const auto* id = value.as_object().if_contains("project_id")) made.emplace(id->as_string());
    else co_return std::string(value.at("error").as_string());
  }
  co_return "";
}

/// Makes the database want a new file for its log, which ends it at once when there is no room: true when that
/// happened.
rt::task<bool> end_for_want_of_log(const std::string& state) {
  for (int i = 0; i < 10; ++i) {
    rt::process_options psql;
    psql.argv = {"psql", "host=" + state + "/s/run user=atrium dbname=atrium",
                 "-c",   "SELECT pg_switch_wal()",
                 "-c",   "SELECT txid_current()"};
    if ((co_await rt::run_command(psql, 64 * 1024)).status.code != 0) co_return true;
  }
  co_return false;
}

rt::task<void> fill_and_free(running_system& system, std::filesystem::path disk) {
  co_await system.start();
  person ada(system);
  co_await ada.sign_up("ada@example.org", "Ada");
  std::set<std::string> made;
  EXPECT_EQ(co_await create_until_refused(ada, made, 20), "") << "there was room";
  small_disk::fill(disk / "ballast");
  const auto told = co_await create_until_refused(ada, made, 3000);
  std::printf("full disk of the database, after %zu projects: %s\n", made.size(), told.c_str());
  EXPECT_THAT(told, testing::AnyOf(HasSubstr("disk is full"), HasSubstr("restarting"), HasSubstr("was lost"),
                                   HasSubstr("does not answer")))
      << "all but the first: it wanted a new file for its log just then";
  for (const char* inner : {"postgres", "/s/", "SQL", "pg_"}) EXPECT_EQ(told.find(inner), std::string::npos) << told;
  EXPECT_EQ((co_await ada.request("GET", "/app/")).status, 200u) << "what needs no database is there";
  EXPECT_TRUE(co_await end_for_want_of_log(system.state())) << "the log found room";
  const auto away = co_await ada.request("POST", "/api/v2/projects/get", {}, "{}");
  // It ends and starts again until there is room: reading works in between, and what does not is said.
  EXPECT_TRUE(away.status == 200 || (away.status == 503 && away.body.find("error") != std::string::npos)) << away.body;
  std::filesystem::remove(disk / "ballast");
  co_await eventually(60s, [&]() -> rt::task<void> {
    const auto again = co_await ada.api("projects/create", {{"title", "after"}});
    if (!again.as_object().contains("project_id")) fail(disposition::failed, json::serialize(again));
    made.emplace(again.at("project_id").as_string());
  });
  const auto all = json::serialize(co_await ada.api("projects/get", json::object{{"limit", 5000}}));
  for (const auto& id : made) EXPECT_NE(all.find(id), std::string::npos) << id << " was confirmed";
  co_await system.stop();
}

TEST(FullDisk, OfTheDatabaseIsSaidLosesNothingAndHeals) {
  running_system system;
  const std::filesystem::path disk = system.state() + "/s/postgres";
  std::filesystem::create_directories(disk);
  if (!small_disk::mount(disk, 160)) GTEST_SKIP() << "SKIPPED: only root can mount a small file system";
  rt::loop loop;
  loop.run(rt::with_timeout(200s, fill_and_free(system, disk)));
  small_disk::unmount(disk);
}

}  // namespace
}  // namespace atrium::tests
