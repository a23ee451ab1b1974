#include <set>

#include "tests/integration/project/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(Files);

std::vector<std::string> names(const json::value& listing) {
  std::vector<std::string> out;
  for (const auto& e : listing.at("entries").as_array()) out.push_back(text_of(e.at("name")));
  return out;
}

PROJECT_TEST(Files, ListReadWriteMakeRenameCopy) {
  auto a = co_await browser::connect(server);
  co_await a->call("files.write", {{"path", "notes/day.txt"}, {"text", "ü\n"}});
  EXPECT_EQ(server.read("notes/day.txt"), "\xC3\xBC\n");
  EXPECT_EQ(text_of((co_await a->call("files.read", {{"path", "notes/day.txt"}})).at("text")), "\xC3\xBC\n");
  std::filesystem::permissions(server.home() / "notes/day.txt", std::filesystem::perms(0750));
  co_await a->call("files.write", {{"path", "notes//./day.txt"}, {"text", "new"}});
  EXPECT_EQ(std::filesystem::status(server.home() / "notes/day.txt").permissions(), std::filesystem::perms(0750));
  co_await a->call("files.create", {{"path", "notes/b"}});
  EXPECT_EQ((co_await a->refused("files.create", {{"path", "notes/b"}})).disposition(), disposition::conflict);
  co_await a->call("files.mkdir", {{"path", "notes/deep/er"}});
  EXPECT_EQ((co_await a->refused("files.mkdir", {{"path", "notes/deep"}})).disposition(), disposition::conflict);
  std::filesystem::create_symlink("day.txt", server.home() / "notes/link");
  std::filesystem::create_symlink("/etc", server.home() / "notes/out");
  const auto listing = co_await a->call("files.list", {{"path", "notes"}});
  EXPECT_EQ(names(listing), (std::vector<std::string>{"b", "day.txt", "deep", "link", "out"}));
  const auto& entries = listing.at("entries").as_array();
  EXPECT_EQ(text_of(entries[1].at("type")), "file");
  EXPECT_EQ(number_of(entries[1].at("size")), 3);
  EXPECT_EQ(text_of(entries[2].at("type")), "directory");
  EXPECT_EQ(text_of(entries[3].at("type")), "link");
  EXPECT_EQ(text_of(entries[3].at("target")), "file");
  EXPECT_FALSE(entries[4].as_object().contains("target")) << "it leads out";
  co_await a->call("files.rename", {{"from", "notes/b"}, {"to", "notes/c"}});
  EXPECT_EQ((co_await a->refused("files.rename", {{"from", "notes/c"}, {"to", "notes/day.txt"}})).disposition(),
            disposition::conflict);
  EXPECT_EQ((co_await a->refused("files.rename", {{"from", "notes"}, {"to", "notes/deep/n"}})).disposition(),
            disposition::invalid);
  co_await a->call("files.copy", {{"from", "notes"}, {"to", "copy/of notes"}});
  EXPECT_EQ(server.read("copy/of notes/day.txt"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(server.home() / "copy/of notes/link"));
  EXPECT_EQ((co_await a->refused("files.copy", {{"from", "notes"}, {"to", "copy"}})).disposition(),
            disposition::conflict);
  EXPECT_EQ((co_await a->refused("files.copy", {{"from", "notes"}, {"to", "notes/x"}})).disposition(),
            disposition::invalid);
  EXPECT_EQ(text_of((co_await a->call("files.stat", {{"path", "notes"}})).at("type")), "directory");
  EXPECT_EQ((co_await a->refused("files.stat", {{"path", "nope"}})).disposition(), disposition::not_found);
}

PROJECT_TEST(Files, WhatIsRemovedCanBeRestored) {
  server.write("a", "one");
  std::filesystem::create_directories(server.home() / "d/e");
  server.write("d/e/f", "two");
  auto w = co_await browser::connect(server);
  EXPECT_EQ((co_await w->refused("files.remove", {{"paths", json::array{"a", "missing"}}})).disposition(),
            disposition::not_found);
  EXPECT_EQ(server.read("a"), "one") << "all or none";
  const auto trash = text_of((co_await w->call("files.remove", {{"paths", json::array{"a", "d/e"}}})).at("trash"));
  EXPECT_TRUE(trash.starts_with(".trash/"));
  EXPECT_FALSE(std::filesystem::exists(server.home() / "a"));
  EXPECT_EQ(server.read(trash + "/d/e/f"), "two");
  server.write("a", "in the way");
  EXPECT_EQ((co_await w->refused("files.restore", {{"trash", trash}})).disposition(), disposition::conflict);
  EXPECT_EQ(server.read("a"), "in the way");
  std::filesystem::remove(server.home() / "a");
  co_await w->call("files.restore", {{"trash", trash}});
  EXPECT_EQ(server.read("a"), "one");
  EXPECT_EQ(server.read("d/e/f"), "two");
  EXPECT_FALSE(std::filesystem::exists(server.home() / trash));
  const auto second = text_of((co_await w->call("files.remove", {{"paths", json::array{"d"}}})).at("trash"));
  EXPECT_TRUE((co_await w->call("files.remove", {{"paths", json::array{second}}})).at("trash").is_null());
  EXPECT_FALSE(std::filesystem::exists(server.home() / second));
  EXPECT_EQ((co_await w->refused("files.remove", {{"paths", json::array{""}}})).disposition(), disposition::invalid);
  EXPECT_EQ((co_await w->refused("files.restore", {{"trash", "d"}})).disposition(), disposition::invalid);
}

PROJECT_TEST(Files, NoPathLeavesTheHome) {
  std::filesystem::create_symlink("/etc", server.home() / "etc");
  std::filesystem::create_symlink("../..", server.home() / "up");
  std::filesystem::create_symlink("/etc/passwd", server.home() / "passwd");
  std::filesystem::create_symlink("loop", server.home() / "loop");
  server.write("mine", "mine");
  const auto outside = server.home().parent_path() / "outside";
  std::ofstream(outside) << "precious";
  auto a = co_await browser::connect(server);
  net::http_client client;
  for (const char* path : {"../outside", "/etc/passwd", "etc/passwd", "up/outside", "passwd", "mine/../../outside",
                           "loop", "a\0b", "etc/../etc/passwd"}) {
    const std::string p = std::string_view(path) == "a" ? std::string("a\0b", 3) : path;
    for (const char* method : {"files.read", "document.open"}) {
      const auto e = co_await a->refused(method, {{"path", p}});
      EXPECT_TRUE(e.disposition() == disposition::denied || e.disposition() == disposition::invalid)
          << method << " " << p << ": " << e.describe();
    }
    for (const char* method : {"GET", "PUT"}) {
      const auto r =
          co_await client.fetch(server.browsers(), from_hub(method, "/files/" + net::percent_encode(p)), "x");
      EXPECT_TRUE(r.status == 400 || r.status == 403 || ((p == "passwd" || p == "loop") && r.status == 201))
          << method << " " << p << " " << r.status;
    }
  }
  for (const char* to : {"../outside", "up/outside", "etc/x", "/tmp/x"}) {
    const auto e = co_await a->refused("files.write", {{"path", to}, {"text", "evil"}});
    EXPECT_TRUE(e.disposition() == disposition::denied || e.disposition() == disposition::invalid)
        << to << e.describe();
    for (const char* method : {"files.rename", "files.copy"}) {
      const auto f = co_await a->refused(method, {{"from", "mine"}, {"to", to}});
      EXPECT_TRUE(f.disposition() == disposition::denied || f.disposition() == disposition::invalid)
          << to << f.describe();
    }
  }
  EXPECT_EQ((co_await a->refused("files.list", {{"path", "etc"}})).disposition(), disposition::denied);
  EXPECT_EQ((co_await a->refused("files.watch", {{"path", "up"}})).disposition(), disposition::denied);
  std::ifstream in(outside);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "precious");
  EXPECT_EQ(server.read("mine"), "mine");
}

/// Every route that takes a path, against a link that leads out: none reads, writes, lists, makes, moves or removes
/// there.
PROJECT_TEST(Files, NoRouteFollowsALinkOutOfTheHome) {
  namespace fs = std::filesystem;
  const auto outside = server.home().parent_path() / "outside";
  fs::create_directory(outside);
  std::ofstream(outside / "secret") << "precious";
  std::ofstream(outside / "victim") << "untouched";
  fs::create_directory_symlink(outside, server.home() / "out");
  server.write("mine", "mine");
  server.write("doc.txt", "text\n");
  auto a = co_await browser::connect(server);
  const json::object terminal{{"cols", 80}, {"rows", 24}, {"path", "out"}};
  const std::pair<const char*, json::object> requests[] = {
      {"files.list", {{"path", "out"}}},
      {"files.stat", {{"path", "out/secret"}}},
      {"files.read", {{"path", "out/secret"}}},
      {"files.write", {{"path", "out/secret"}, {"text", "evil"}}},
      {"files.create", {{"path", "out/new"}}},
      {"files.mkdir", {{"path", "out/new"}}},
      {"files.rename", {{"from", "out/secret"}, {"to", "stolen"}}},
      {"files.rename", {{"from", "mine"}, {"to", "out/mine"}}},
      {"files.copy", {{"from", "out/secret"}, {"to", "stolen"}}},
      {"files.copy", {{"from", "mine"}, {"to", "out/mine"}}},
      {"files.remove", {{"paths", json::array({"out/secret"})}}},
      {"files.watch", {{"path", "out"}}},
      {"document.open", {{"path", "out/secret"}}},
      {"terminal.open", terminal},
  };
  for (const auto& [method, parameters] : requests) {
    const auto e = co_await a->refused(method, parameters);
    EXPECT_EQ(e.disposition(), disposition::denied) << method << " " << json::serialize(parameters) << e.describe();
  }
  net::http_client client;
  for (const char* target :
       {"/files/out/secret", "/raw/out/secret", "/files/out?format=tar", "/files/out/secret?download"})
    EXPECT_EQ((co_await client.fetch(server.browsers(), from_hub("GET", target))).status, 403u) << target;
  EXPECT_EQ((co_await client.fetch(server.browsers(), from_hub("PUT", "/files/out/new"), "evil")).status, 403u);
  const auto state = co_await client.fetch(server.browsers(), from_hub("HEAD", "/files/out/secret?upload"));
  EXPECT_FALSE(state.headers.contains("Upload-Present")) << "not even that it is there";
  const auto run = co_await client.fetch(server.hubs(), from_hub("POST", "/exec"),
                                         R"({"command":"cat","args":["secret"],"path":"out"})");
  EXPECT_EQ(run.body.find("precious"), std::string::npos) << run.body;

  // Links where the server itself puts files beside those of people.
  fs::create_symlink(outside / "victim", server.home() / ".up.bin.atrium-part");
  fs::create_symlink(outside / "victim", server.home() / ".doc.txt.atrium-write");
  fs::create_symlink(outside / "victim", server.home() / ".doc.txt.atrium-save");
  fs::create_directory_symlink(outside, server.home() / ".trash");
  co_await client.fetch(server.browsers(), from_hub("PUT", "/files/up.bin"), "evil");
  co_await a->refused("files.remove", {{"paths", json::array({"mine"})}});
  co_await a->call("files.write", {{"path", "doc.txt"}, {"text", "other\n"}});
  EXPECT_FALSE(fs::is_symlink(server.home() / "doc.txt"));
  const auto epoch = (co_await a->call("document.open", {{"path", "doc.txt"}})).at("epoch");
  const json::object change{{"clientID", "A"}, {"id", 0}, {"changes", {{0, "an"}, 6}}};
  co_await a->call("document.push",
                   {{"path", "doc.txt"}, {"epoch", epoch}, {"version", 0}, {"updates", json::array{change}}});
  co_await a->event("document.saved");
  EXPECT_EQ(server.read("doc.txt"), "another\n");
  std::set<std::string> there;
  for (const auto& entry : fs::directory_iterator(outside)) there.insert(entry.path().filename());
  EXPECT_EQ(there, (std::set<std::string>{"secret", "victim"}));
  std::ifstream secret(outside / "secret"), victim(outside / "victim");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "precious");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(victim), {}), "untouched");
}

PROJECT_TEST(Files, WatchedFoldersTellOfChanges) {
  std::filesystem::create_directory(server.home() / "w");
  auto a = co_await browser::connect(server);
  co_await a->call("files.watch", {{"path", "w"}});
  co_await a->call("files.watch", {{"path", "w"}});
  server.write("w/x", "1");
  EXPECT_EQ(text_of((co_await a->event("files.changed")).at("path")), "w");
  const auto start = rt::clock::now();
  for (int i = 0; i < 300; ++i) server.write("w/" + std::to_string(i), "1");
  co_await rt::sleep_for(700ms);
  co_await a->call("ping");
  const auto told = static_cast<std::size_t>(
      std::ranges::count_if(a->events, [](const auto& e) { return e.at("event").as_string() == "files.changed"; }));
  EXPECT_GE(told, 1u);
  EXPECT_LE(told, 2u + static_cast<std::size_t>((rt::clock::now() - start) / 200ms));
  a->events.clear();
  co_await a->call("files.unwatch", {{"path", "w"}});
  server.write("w/last", "1");
  co_await rt::sleep_for(300ms);
  co_await a->call("ping");
  EXPECT_TRUE(
      std::ranges::none_of(a->events, [](const auto& e) { return e.at("event").as_string() == "files.changed"; }));
}

/// A page that shows a folder: lists it again whenever it is told of a change, until it sees a name.
rt::task<void> sees(browser& page, std::string folder, std::string name) {
  for (;;) {
    const auto told = co_await page.event("files.changed");
    EXPECT_EQ(text_of(told.at("path")), folder) << "as it was asked for";
    const auto listed = co_await page.call("files.list", {{"path", folder}});
    for (const auto& e : listed.at("entries").as_array())
      if (text_of(e.at("name")) == name) co_return;
  }
}

PROJECT_TEST(Files, EveryFileThatArrivesIsSeenByWhoWatches) {
  std::filesystem::create_directories(server.home() / "deep/er");
  auto home = co_await browser::connect(server), inner = co_await browser::connect(server);
  co_await home->call("files.watch", {{"path", ""}});
  co_await inner->call("files.watch", {{"path", "deep/er/"}});
  net::http_client client;
  for (int i = 0; i < 20; ++i) {
    const auto name = std::to_string(i) + ".bin";
    for (const std::string folder : {"", "deep/er/"}) {
      const auto a =
          co_await client.fetch(server.browsers(), from_hub("PUT", "/files/" + folder + name), std::string(1000, 'x'));
      EXPECT_EQ(a.status, 201u);
    }
    co_await sees(*home, "", name);
    co_await sees(*inner, "deep/er/", name);
    if (i % 5 == 4) co_await rt::sleep_for(std::chrono::milliseconds(250));  // so that nothing is held back any more
  }
}

PROJECT_TEST(Files, AFolderThatIsReplacedIsWatchedOn) {
  namespace fs = std::filesystem;
  auto a = co_await browser::connect(server);
  for (int round = 0; round < 4; ++round) {
    const auto name = [&](const char* what) { return what + std::to_string(round); };
    const auto build = server.home() / "build";
    if (round == 0) {
      fs::create_directory(build);
      co_await a->call("files.watch", {{"path", "build"}});
    } else if (round == 1) {  // at once
      fs::remove_all(build);
      fs::create_directory(build);
    } else if (round == 2) {  // by another that was made ready beside it
      fs::create_directory(server.home() / "next");
      fs::rename(build, server.home() / "old");
      fs::rename(server.home() / "next", build);
    } else {  // later
      fs::remove_all(build);
      co_await a->event("files.changed");
      EXPECT_EQ((co_await a->refused("files.list", {{"path", "build"}})).disposition(), disposition::not_found);
      fs::create_directory(build);
    }
    if (round > 0) co_await a->event("files.changed");
    server.write("build/" + name("x"), "1");
    co_await sees(*a, "build", name("x"));
    a->events.clear();
  }
}

PROJECT_TEST(Files, TextOnlyAndWithinBounds) {
  auto a = co_await browser::connect(server);
  server.write("binary", std::string("a\0b", 3));
  server.write("latin", "caf\xE9");
  server.write("large", std::string((10u << 20) + 1, 'x'));
  for (const char* path : {"binary", "latin", "large"})
    for (const char* method : {"files.read", "document.open"}) {
      const auto e = co_await a->refused(method, {{"path", path}});
      EXPECT_EQ(e.disposition(), disposition::invalid) << path;
      EXPECT_GT(e.public_text().size(), 20u);
    }
  EXPECT_EQ((co_await a->refused("files.read", {{"path", ""}})).disposition(), disposition::invalid);
  EXPECT_EQ((co_await a->refused("document.open", {{"path", "nope"}})).disposition(), disposition::not_found);
}

}  // namespace
}  // namespace atrium::tests
