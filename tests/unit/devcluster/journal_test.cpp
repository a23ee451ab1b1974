#include "apps/devcluster/store/journal.hpp"

#include <filesystem>
#include <fstream>

#include "tests/unit/devcluster/fixture.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

class Journal : public testing::Test {
 protected:
  Journal() {
    char name[] = "/tmp/atrium-journal-XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~Journal() override { fs::remove_all(folder); }
  std::string folder;

  /// Everything that a store shows, as text.
  static std::string dump(const object_store& s) {
    std::string out = std::to_string(s.current()) + "\n";
    for (const auto& type : resource_types())
      for (const auto& [key, object] : s.all(type)) out += key + " " + object->text() + "\n";
    return out;
  }
  static void write_some(cluster& c, int from, int to) {
    for (int i = from; i < to; ++i) {
      c.ok("POST", config_path, R"({"metadata":{"name":"c)" + std::to_string(i) + R"("}})");
      if (i % 3 == 0) c.ok("DELETE", config_path + "/c" + std::to_string(i));
    }
  }
};

TEST_F(Journal, EverythingIsThereAfterARestart) {
  std::string before;
  {
    cluster c;
    journal j(folder);
    j.load(c.store);  // empty folder
    j.begin_compaction(c.store)();
    c.store.on_change([&](const change& e) { j.append(e); });
    write_some(c, 0, 20);
    j.begin_compaction(c.store)();
    write_some(c, 20, 30);
    before = dump(c.store);
  }
  object_store again;
  journal j(folder);
  j.load(again);
  EXPECT_EQ(dump(again), before);
  EXPECT_LT(again.window_start(), again.current()) << "changes after the snapshot can still be watched";
}

TEST_F(Journal, AnyCutOfTheLogGivesAPrefixOfItsHistory) {
  std::vector<std::string> history;
  {
    cluster c;
    journal j(folder);
    j.load(c.store);
    j.begin_compaction(c.store)();
    history.push_back(dump(c.store));
    c.store.on_change([&](const change& e) {
      j.append(e);
      history.push_back(dump(c.store));
    });
    write_some(c, 0, 6);
  }
  std::string log;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("log.") && fs::file_size(entry) > 0) log = entry.path();
  ASSERT_FALSE(log.empty());
  for (auto size = fs::file_size(log);; size = size > 37 ? size - 37 : 0) {
    fs::resize_file(log, size);
    object_store again;
    {
      journal j(folder);
      j.load(again);
    }
    EXPECT_NE(std::find(history.begin(), history.end(), dump(again)), history.end()) << "cut at " << size;
    for (const auto& entry : fs::directory_iterator(folder))  // logs that this load opened
      if (entry.path() != log && entry.path().filename().string().starts_with("log.")) fs::remove(entry);
    if (size == 0) break;
  }
}

TEST_F(Journal, ACrashBetweenTheStepsOfACompactionLosesNothing) {
  std::string before;
  {
    cluster c;
    journal j(folder);
    j.load(c.store);
    j.begin_compaction(c.store)();
    c.store.on_change([&](const change& e) { j.append(e); });
    write_some(c, 0, 5);
    const auto never_run = j.begin_compaction(c.store);  // killed before the snapshot was written
    write_some(c, 5, 9);
    before = dump(c.store);
  }
  std::ofstream(folder + "/snapshot.999999.new") << "half";
  object_store again;
  journal j(folder);
  j.load(again);
  EXPECT_EQ(dump(again), before);
}

TEST_F(Journal, ACompactionThatFailedIsDueAgain) {
  cluster c;
  journal j(folder);
  j.load(c.store);
  write_some(c, 0, 5);
  const auto rest = j.begin_compaction(c.store);
  fs::create_directory(folder + "/snapshot." + std::to_string(c.store.current()) + ".new");  // in its way
  EXPECT_THROW(rest(), failure);
  j.compaction_failed();
  EXPECT_TRUE(j.compaction_due());
  fs::remove(folder + "/snapshot." + std::to_string(c.store.current()) + ".new");
  j.begin_compaction(c.store)();
  EXPECT_FALSE(j.compaction_due());
}

TEST_F(Journal, ADamagedSnapshotIsRefused) {
  {
    cluster c;
    journal j(folder);
    j.load(c.store);
    j.begin_compaction(c.store)();
  }
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("snapshot."))
      fs::resize_file(entry.path(), fs::file_size(entry) - 5);
  object_store again;
  journal j(folder);
  EXPECT_THROW(j.load(again), failure);
}

TEST_F(Journal, OneProcessAFolder) {
  journal first(folder);
  EXPECT_THROW(journal second(folder), failure);
}

}  // namespace atrium::devcluster
