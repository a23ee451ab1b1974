// The change stream against a real server.
#include "atrium/pg/changes.hpp"

#include "atrium/pg/snapshot.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::pg {
namespace {

using namespace std::chrono_literals;
ATRIUM_ON_BACKENDS(Changes);

constexpr const char* schema = R"(
  CREATE TABLE projects (project_id text PRIMARY KEY, title text, users jsonb, big text);
  CREATE TABLE noise (id int PRIMARY KEY);
  CREATE PUBLICATION atrium FOR TABLE projects;
)";

struct stream_case {
  std::unique_ptr<connection> db;
  std::unique_ptr<change_source> changes;
  std::string conninfo;
};

rt::task<stream_case> open(change_reader_options options = {}) {
  stream_case out;
  options.conninfo = tests::postgres_server::shared().create_database();
  options.publication = "atrium";
  out.conninfo = options.conninfo;
  out.db = co_await connection::connect(options.conninfo);
  co_await out.db->script(schema);
  out.changes = read_changes(options);
  const auto first = co_await out.changes->next();
  EXPECT_TRUE(first.resync);
  EXPECT_TRUE(first.changes.empty());
  co_return out;
}

TEST_P(Changes, EveryKindOfChangeArrivesInOrder) {
  run([]() -> rt::task<void> {
    auto s = co_await open();
    const auto before = std::chrono::system_clock::now() - 1s;
    co_await s.db->query("INSERT INTO projects VALUES ('p1', 'Größe', '{\"a\": 1}', NULL)");
    auto b = co_await s.changes->next();
    EXPECT_FALSE(b.resync);
    EXPECT_EQ(b.changes.size(), 1u);
    EXPECT_EQ(b.changes[0].op, change::operation::insert);
    EXPECT_EQ(b.changes[0].table->name, "projects");
    EXPECT_EQ(b.changes[0].find("title")->text, "Größe");
    EXPECT_FALSE(b.changes[0].find("big")->text);
    EXPECT_GT(b.commit, 0u);
    EXPECT_GT(b.commit_time, before);

    co_await s.db->script(
        "BEGIN; UPDATE projects SET title = 'x'; UPDATE projects SET project_id = 'p2'; DELETE FROM projects; COMMIT; "
        "TRUNCATE projects");
    b = co_await s.changes->next();
    EXPECT_EQ(b.changes.size(), 3u);
    EXPECT_TRUE(b.changes[0].old_row.empty()) << "the key did not change";
    EXPECT_EQ(b.changes[1].old_row[0].text, "p1");
    EXPECT_EQ(b.changes[1].find("project_id")->text, "p2");
    EXPECT_EQ(b.changes[2].op, change::operation::remove);
    EXPECT_EQ(b.changes[2].find("project_id")->text, "p2");
    b = co_await s.changes->next();
    EXPECT_EQ(b.changes[0].op, change::operation::truncate);
  }());
}

TEST_P(Changes, LargeValuesThatDidNotChangeAreMarked) {
  run([]() -> rt::task<void> {
    auto s = co_await open();
    // Random text, so that it is stored out of line and not compressed into the row.
    co_await s.db->query(
        "INSERT INTO projects SELECT 'p', 't', NULL, string_agg(md5(i::text), '') FROM generate_series(1, 5000) i");
    EXPECT_EQ((co_await s.changes->next()).changes[0].find("big")->text->size(), 160000u);
    co_await s.db->query("UPDATE projects SET title = 'u'");
    const auto b = co_await s.changes->next();
    EXPECT_TRUE(b.changes[0].find("big")->unchanged);
    EXPECT_FALSE(b.changes[0].find("big")->text);
    EXPECT_EQ(b.changes[0].find("title")->text, "u");
  }());
}

TEST_P(Changes, RolledBackAndUnpublishedChangesDoNotArrive) {
  run([]() -> rt::task<void> {
    auto s = co_await open();
    co_await s.db->script("BEGIN; INSERT INTO projects VALUES ('lost'); ROLLBACK");
    co_await s.db->script("INSERT INTO noise VALUES (1)");
    co_await s.db->script("INSERT INTO projects VALUES ('kept')");
    const auto b = co_await s.changes->next();
    EXPECT_EQ(b.changes.size(), 1u);
    EXPECT_EQ(b.changes[0].find("project_id")->text, "kept");
  }());
}

TEST_P(Changes, LargeTransactionsComeInPieces) {
  run([]() -> rt::task<void> {
    auto s = co_await open({.batch_changes = 100});
    co_await s.db->query("INSERT INTO projects SELECT 'p' || i FROM generate_series(1, 1000) i");
    std::size_t seen = 0;
    while (seen < 1000) {
      const auto b = co_await s.changes->next();
      EXPECT_LE(b.changes.size(), 100u);
      EXPECT_EQ(b.changes[0].find("project_id")->text, "p" + std::to_string(seen + 1));
      seen += b.changes.size();
    }
    EXPECT_EQ(seen, 1000u);
  }());
}

TEST_P(Changes, SchemaChangesAreFollowed) {
  run([]() -> rt::task<void> {
    auto s = co_await open();
    co_await s.db->script("INSERT INTO projects VALUES ('a')");
    EXPECT_EQ((co_await s.changes->next()).changes[0].table->columns.size(), 4u);
    co_await s.db->script("ALTER TABLE projects ADD extra text DEFAULT 'e'; INSERT INTO projects VALUES ('b')");
    EXPECT_EQ((co_await s.changes->next()).changes[0].find("extra")->text, "e");
  }());
}

TEST_P(Changes, AfterALossTheConsumerIsToldToReadAgain) {
  run([]() -> rt::task<void> {
    auto s = co_await open();
    for (int i = 0; i < 2; ++i) {
      co_await s.db->query(
          "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = "
          "current_database()");
      EXPECT_TRUE(
          (co_await s.db->query("SELECT 1 FROM pg_replication_slots WHERE database = current_database()")).empty())
          << "temporary";
      co_await s.db->query("INSERT INTO projects VALUES ('unseen' || $1::text)", {i});
      EXPECT_TRUE((co_await s.changes->next()).resync);
      co_await s.db->query("INSERT INTO projects VALUES ('seen' || $1::text)", {i});
      const auto b = co_await s.changes->next();
      EXPECT_EQ(b.changes[0].find("project_id")->text, "seen" + std::to_string(i));
    }
  }());
}

TEST_P(Changes, SnapshotsTellWhatAReadHadSeen) {
  run([]() -> rt::task<void> {
    auto s = co_await open();
    auto other = co_await connection::connect(s.conninfo);
    co_await other->script("BEGIN; INSERT INTO projects VALUES ('open')");
    co_await s.db->query("INSERT INTO projects VALUES ('before')");
    const auto seen = snapshot::parse((co_await s.db->query(snapshot::query)).one().get<std::string_view>(0)).value();
    co_await s.db->query("INSERT INTO projects VALUES ('after')");
    co_await other->script("COMMIT");
    for (const auto& [name, expected] : {std::pair{"before", true}, {"after", false}, {"open", false}}) {
      const auto b = co_await s.changes->next();
      EXPECT_EQ(b.changes[0].find("project_id")->text, name);
      EXPECT_EQ(seen.sees(b.transaction), expected) << name;
    }
  }());
}

TEST_P(Changes, WaitsForItsPublication) {
  run([]() -> rt::task<void> {
    const auto conninfo = tests::postgres_server::shared().create_database();
    auto db = co_await connection::connect(conninfo);
    co_await db->script("CREATE TABLE projects (project_id text PRIMARY KEY)");
    auto changes = read_changes({.conninfo = conninfo, .publication = "it's \"late\""});
    EXPECT_TRUE((co_await changes->next()).resync);
    // The server looks for the publication at the first change and ends the stream: then it is made, and all is well.
    co_await db->script("INSERT INTO projects VALUES ('a')");
    co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
      s.spawn([](change_source& c) -> rt::task<void> { EXPECT_TRUE((co_await c.next()).resync); }(*changes), "changes");
      co_await rt::yield();
      co_await db->script("CREATE PUBLICATION \"it's \"\"late\"\"\" FOR ALL TABLES");
    });
  }());
}

TEST_P(Changes, IdleStreamsStayAliveByStatusMessages) {
  run([]() -> rt::task<void> {
    auto s = co_await open({.status_interval = 10ms});
    try {
      co_await rt::with_timeout(300ms, s.changes->next());
      ADD_FAILURE();
    } catch (const failure& f) {
      EXPECT_EQ(f.disposition(), disposition::timed_out);
    }
    co_await s.db->query("INSERT INTO projects VALUES ('after')");
    const auto b = co_await s.changes->next();
    EXPECT_FALSE(b.resync);
    EXPECT_EQ(b.changes.size(), 1u);
    // What was read is confirmed, so the server may drop its log.
    while ((co_await s.db->query("SELECT 1 FROM pg_replication_slots WHERE database = current_database() AND "
                                 "confirmed_flush_lsn >= $1::pg_lsn",
                                 {to_text(b.commit)}))
               .empty()) {
      try {
        co_await rt::with_timeout(20ms, s.changes->next());
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::timed_out);
      }
    }
  }());
}

}  // namespace
}  // namespace atrium::pg
