// Editors over real sockets, a disk writer, and kill -9: everybody ends with the same text, and the file has it too.
#include "apps/project/collab/text_file.hpp"
#include "tests/integration/project/editor.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(Documents);

using project::change_set;

std::u16string token(std::size_t n) {
  std::u16string out = u"<";
  for (const char c : std::to_string(n)) out += static_cast<char16_t>(c);
  return out + u">\n";
}

/// Puts a line at a random line start.
void insert_line(editor& e, random& r, std::size_t n) {
  const auto& text = e.client->text();
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == u'\n') starts.push_back(i + 1);
  const auto at = starts[below(r, starts.size())];
  e.client->edit(change_set::replacing(text.size(), at, at, token(n)));
}

std::size_t occurrences(std::string_view text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// Everybody has everything, and the file has it too.
rt::task<void> expect_settled(project_server& server, std::vector<editor*> editors, const std::string& path) {
  for (auto* e : editors) co_await e->flush();
  for (;;) {
    bool same = true;
    for (auto* e : editors) {
      co_await e->push();
      same = same && e->client->text() == editors[0]->client->text();
    }
    if (same && server.read(path) == project::utf16_to_utf8(editors[0]->client->text())) co_return;
    co_await rt::sleep_for(20ms);
  }
}

PROJECT_TEST(Documents, TwoEditorsAndADiskWriterKeepEveryLine) {
  server.write("doc.txt", "start\n");
  editor a("doc.txt", ann, "A"), b("doc.txt", bob, "B");
  co_await a.connect(server);
  co_await b.connect(server);
  random r(11);
  std::size_t made = 0;
  for (int round = 0; round < 120; ++round) {
    insert_line(a, r, made++);
    insert_line(b, r, made++);
    co_await (below(r, 2) ? a : b).push();
    if (round % 3 == 0) co_await (below(r, 2) ? a : b).push();
    if (round % 20 == 10) {  // a program adds a line to the file as it is at this moment
      std::ofstream(server.home() / "doc.txt", std::ios::app) << "<" << made++ << ">\n";
      co_await rt::sleep_for(30ms);
    }
  }
  co_await expect_settled(server, {&a, &b}, "doc.txt");
  const auto file = server.read("doc.txt");
  for (std::size_t n = 0; n < made; ++n) EXPECT_EQ(occurrences(file, "<" + std::to_string(n) + ">\n"), 1u) << n;
}

PROJECT_TEST(Documents, KillInMidEditLosesNothingAndDoublesNothing) {
  server.write("doc.txt", "start\n");
  editor a("doc.txt", ann, "A"), b("doc.txt", bob, "B");
  random r(12);
  std::size_t made = 0;
  for (int life = 0; life < 6; ++life) {
    if (life > 0) co_await server.start();
    co_await a.connect(server);
    co_await b.connect(server);
    for (int i = 0; i < 15; ++i) {
      insert_line(a, r, made++);
      insert_line(b, r, made++);
      co_await a.push();
      if (i % 2) co_await b.push();
      if (below(r, 6) == 0) co_await rt::sleep_for(std::chrono::milliseconds(below(r, 400)));  // let it save
    }
    insert_line(a, r, made++);
    // Pushed, and killed before the answer can be read: acknowledged or not, it must be there once.
    json::array updates;
    for (const auto& u : a.client->unconfirmed())
      updates.push_back(json::object{{"clientID", u.client_id}, {"id", u.id}, {"changes", json_of(u.changes)}});
    co_await a.page->send(
        "document.push",
        {{"path", "doc.txt"}, {"epoch", a.epoch}, {"version", a.client->version()}, {"updates", std::move(updates)}});
    if (life % 2) co_await rt::sleep_for(std::chrono::milliseconds(below(r, 8)));
    const auto epoch = a.epoch;
    server.kill();
    if (life % 3 == 2)
      std::ofstream(server.home() / "doc.txt", std::ios::app) << "<" << made++ << ">\n";  // while it is away
    EXPECT_EQ(a.epoch, epoch);
  }
  co_await server.start();
  co_await a.connect(server);
  co_await b.connect(server);
  co_await expect_settled(server, {&a, &b}, "doc.txt");
  const auto file = server.read("doc.txt");
  for (std::size_t n = 0; n < made; ++n) EXPECT_EQ(occurrences(file, "<" + std::to_string(n) + ">\n"), 1u) << n;
}

PROJECT_TEST(Documents, ALaptopThatSleptWhileOthersWroteAndTheServerWasKilledLosesNothing) {
  server.write("doc.txt", "start\n");
  editor a("doc.txt", ann, "A"), b("doc.txt", bob, "B");
  co_await a.connect(server);
  co_await b.connect(server);
  random r(5);
  std::size_t made = 0;
  insert_line(a, r, made++);
  a.page->socket().abort();  // what was typed last may have arrived or not
  a.page.reset();
  for (int i = 0; i < 40; ++i) insert_line(a, r, made++);
  for (int i = 0; i < 150; ++i) {
    insert_line(b, r, made++);
    if (i % 3 == 0) co_await b.push();
    if (i == 75) {
      server.kill();
      b.page.reset();
      std::ofstream(server.home() / "doc.txt", std::ios::app) << "<" << made++ << ">\n";
      co_await server.start();
      co_await b.connect(server);
    }
  }
  co_await a.connect(server);
  co_await expect_settled(server, {&a, &b}, "doc.txt");
  const auto file = server.read("doc.txt");
  for (std::size_t n = 0; n < made; ++n) EXPECT_EQ(occurrences(file, "<" + std::to_string(n) + ">\n"), 1u) << n;
}

PROJECT_TEST(Documents, WhatWasAcknowledgedReachesTheFileThoughNobodyComesBack) {
  server.write("doc.txt", "");
  editor a("doc.txt", ann, "A");
  co_await a.connect(server);
  a.client->edit(change_set::replacing(0, 0, 0, u"typed just before the power went"));
  co_await a.push();
  server.kill();
  EXPECT_EQ(server.read("doc.txt"), "") << "not yet saved, or this tests nothing";
  co_await server.start();
  while (server.read("doc.txt").empty()) co_await rt::sleep_for(10ms);
  EXPECT_EQ(server.read("doc.txt"), "typed just before the power went");
}

PROJECT_TEST(Documents, TheFileIsSavedSoonWithItsModeAndLineEndings) {
  server.write("crlf.txt", "one\r\ntwo\r\n");
  std::filesystem::permissions(server.home() / "crlf.txt", std::filesystem::perms(0640));
  editor a("crlf.txt", ann, "A");
  co_await a.connect(server);
  EXPECT_EQ(a.client->text(), u"one\ntwo\n");
  a.client->edit(change_set::replacing(8, 4, 4, u"and\n"));
  co_await a.push();
  const auto start = rt::clock::now();
  const auto saved = co_await a.page->event("document.saved");
  EXPECT_LT(rt::clock::now() - start, 5s);
  EXPECT_EQ(number_of(saved.at("version")), 1);
  EXPECT_EQ(server.read("crlf.txt"), "one\r\nand\r\ntwo\r\n");
  EXPECT_EQ(std::filesystem::status(server.home() / "crlf.txt").permissions(), std::filesystem::perms(0640));
  EXPECT_FALSE(std::filesystem::exists(server.home() / ".crlf.txt.atrium-save"));
}

PROJECT_TEST(Documents, RemovedRenamedAndReplacedFiles) {
  server.write("a.txt", "hello\n");
  editor a("a.txt", ann, "A");
  co_await a.connect(server);
  co_await a.page->call("files.mkdir", {{"path", "d"}});
  co_await a.page->call("files.rename", {{"from", "a.txt"}, {"to", "d/b.txt"}});
  const auto moved = co_await a.page->event("document.moved");
  EXPECT_EQ(text_of(moved.at("path")), "a.txt");
  EXPECT_EQ(text_of(moved.at("to")), "d/b.txt");
  co_await a.page->call("files.rename", {{"from", "d"}, {"to", "e"}});
  EXPECT_EQ(text_of((co_await a.page->event("document.moved")).at("to")), "e/b.txt");
  std::filesystem::rename(server.home() / "e/b.txt", server.home() / "e/c.txt");  // by a program
  EXPECT_EQ(text_of((co_await a.page->event("document.moved")).at("to")), "e/c.txt");
  std::filesystem::create_directories(server.home() / "far/away");
  std::filesystem::rename(server.home() / "e/c.txt", server.home() / "far/away/c.txt");  // mv to another folder
  EXPECT_EQ(text_of((co_await a.page->event("document.moved")).at("to")), "far/away/c.txt");
  std::filesystem::rename(server.home() / "far", server.home() / "near");  // mv of a folder above it
  EXPECT_EQ(text_of((co_await a.page->event("document.moved")).at("to")), "near/away/c.txt");
  std::filesystem::rename(server.home() / "near/away/c.txt", server.home() / "e/c.txt");
  EXPECT_EQ(text_of((co_await a.page->event("document.moved")).at("to")), "e/c.txt");
  const auto push = [&](std::uint64_t version, const change_set& c) {
    return a.page->call(
        "document.push",
        {{"path", "e/c.txt"},
         {"epoch", a.epoch},
         {"version", version},
         {"updates", json::array{json::object{{"clientID", "A"}, {"id", version}, {"changes", json_of(c)}}}}});
  };
  co_await push(0, change_set::replacing(6, 0, 0, u"x"));
  co_await a.page->event("document.saved");
  EXPECT_EQ(server.read("e/c.txt"), "xhello\n");
  std::filesystem::remove(server.home() / "e/c.txt");
  co_await a.page->event("document.removed");
  co_await push(1, change_set::replacing(7, 0, 0, u"y"));  // who goes on typing wants it back
  co_await a.page->event("document.saved");
  EXPECT_EQ(server.read("e/c.txt"), "yxhello\n");
  server.write("e/new", "zyxhello\n");
  std::filesystem::rename(server.home() / "e/new", server.home() / "e/c.txt");  // as editors save
  const auto updates = co_await a.page->event("document.updates", [](const auto& e) {
    return text_of(e.at("updates").as_array()[0].at("clientID")) == "disk";
  });
  EXPECT_EQ(json::serialize(updates.at("updates").as_array()[0].at("changes")), R"([[0,"z"],8])");
}

PROJECT_TEST(Documents, AFileMovedOntoAnotherOpenOneIsToldAndTheOtherGoesOn) {
  server.write("one.txt", "one\n");
  server.write("two.txt", "two\n");
  editor a("one.txt", ann, "A"), b("two.txt", bob, "B");
  co_await a.connect(server);
  co_await b.connect(server);
  std::filesystem::rename(server.home() / "one.txt", server.home() / "two.txt");
  const auto removed = co_await a.page->event("document.removed");
  EXPECT_NE(text_of(removed.at("message")).find("two.txt"), std::string::npos);
  co_await b.page->until([&] {
    b.take_events();
    return b.client->text() == u"one\n";
  });
  EXPECT_EQ(server.read("two.txt"), "one\n");
  // What leaves the home, or goes into the trash, is removed for those who look at it.
  std::filesystem::create_directories(server.home() / ".trash/1-1");
  std::filesystem::rename(server.home() / "two.txt", server.home() / ".trash/1-1/two.txt");
  co_await b.page->event("document.removed");
}

PROJECT_TEST(Documents, CursorsAndViewersAreShown) {
  server.write("doc.txt", "hello\n");
  editor a("doc.txt", ann, "A"), b("doc.txt", bob, "B");
  co_await a.connect(server);
  co_await a.page->call(
      "document.cursor",
      {{"path", "doc.txt"}, {"clientID", "A"}, {"ranges", json::array{json::object{{"anchor", 1}, {"head", 3}}}}});
  co_await b.connect(server);
  const auto shown = co_await b.page->event("document.cursors");
  EXPECT_EQ(text_of(shown.at("clientID")), "A");
  EXPECT_EQ(text_of(shown.at("user").at("name")), "A");
  EXPECT_EQ(number_of(shown.at("ranges").as_array()[0].at("head")), 3);
  co_await a.page->event("document.viewers", [](const auto& e) { return e.at("users").as_array().size() == 2; });
  a.page.reset();
  co_await b.page->event("document.cursors", [](const auto& e) { return e.at("ranges").as_array().empty(); });
  EXPECT_EQ((co_await b.page->refused("document.cursor", {{"path", "other"}, {"ranges", json::array{}}})).disposition(),
            disposition::conflict);
}

PROJECT_TEST(Documents, PushesThatDoNotFitChangeNothing) {
  server.write("doc.txt", "hello\n");
  editor a("doc.txt", ann, "A");
  co_await a.connect(server);
  const auto push = [&](json::value changes, std::string client, std::string epoch, std::uint64_t version) {
    return a.page->refused(
        "document.push",
        {{"path", "doc.txt"},
         {"epoch", epoch},
         {"version", version},
         {"updates", json::array{json::object{{"clientID", client}, {"id", "1"}, {"changes", changes}}}}});
  };
  EXPECT_EQ((co_await push(json::array{5}, "A", a.epoch, 0)).disposition(), disposition::invalid);
  EXPECT_EQ((co_await push(json::array{6}, "disk", a.epoch, 0)).disposition(), disposition::invalid);
  EXPECT_EQ((co_await push(json::array{6}, "A", "old", 0)).disposition(), disposition::conflict);
  EXPECT_EQ((co_await push(json::array{6}, "A", a.epoch, 9)).disposition(), disposition::invalid);
  EXPECT_EQ((co_await push("nonsense", "A", a.epoch, 0)).disposition(), disposition::invalid);
  co_await a.page->call("ping");
  EXPECT_EQ(server.read("doc.txt"), "hello\n");
}

}  // namespace
}  // namespace atrium::tests
