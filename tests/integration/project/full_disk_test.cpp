// The disk under a project's home is full: everything says so, nothing is half done, and all goes on when there is
// space.
#include "tests/integration/project/fixture.hpp"
#include "tests/support/small_disk.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(FullDisk);

json::object insertion(const std::string& epoch, std::int64_t version, std::size_t length, const std::string& text) {
  json::array changes;
  changes.push_back(json::array({0, text}));
  if (length > 0) changes.push_back(length);
  json::array updates;
  updates.push_back(json::object{{"clientID", "A"}, {"id", version}, {"changes", changes}});
  return {{"path", "doc.txt"}, {"epoch", epoch}, {"version", version}, {"updates", updates}};
}

void expect_told(const error& e, const char* what) {
  EXPECT_EQ(e.disposition(), disposition::overloaded) << what;
  EXPECT_NE(e.public_text().find("full"), std::string::npos) << what << ": " << e.public_text();
}

rt::task<void> everything_is_refused(project_server& server, browser& page, const std::string& epoch) {
  const std::string large(200'000, 'x');
  expect_told(co_await page.refused("files.write", {{"path", "kept.txt"}, {"text", large}}), "files.write");
  expect_told(co_await page.refused("files.write", {{"path", "new.txt"}, {"text", large}}),
              "files.write of a new file");
  expect_told(co_await page.refused("files.copy", {{"from", "kept.txt"}, {"to", "copy.txt"}}), "files.copy");
  expect_told(co_await page.refused("document.push", insertion(epoch, 0, 6, large)), "document.push");
  EXPECT_FALSE(std::filesystem::exists(server.home() / "new.txt"));
  EXPECT_FALSE(std::filesystem::exists(server.home() / "copy.txt"));
  net::http_client client;
  auto put = from_hub("PUT", "/files/up.bin", {{"Upload-Length", "200000"}});
  const auto refused = co_await client.fetch(server.browsers(), std::move(put), large);
  EXPECT_EQ(refused.status, 503u) << refused.body;
  EXPECT_NE(refused.body.find("full"), std::string::npos) << refused.body;
  EXPECT_FALSE(std::filesystem::exists(server.home() / "up.bin"));
  // What writes nothing goes on.
  EXPECT_EQ(text_of((co_await page.call("files.read", {{"path", "kept.txt"}})).at("text")), std::string(100'000, 'k'));
  EXPECT_EQ((co_await client.fetch(server.browsers(), from_hub("GET", "/files/kept.txt"))).body.size(), 100'000u);
  const auto channel = number_of((co_await page.call("terminal.open", {{"cols", 80}, {"rows", 24}})).at("channel"));
  co_await page.type(channel, "echo still-$((1+1))\n");
  co_await page.shows(channel, "still-2");
}

rt::task<void> fill_and_free(project_server& server) {
  server.write("kept.txt", std::string(100'000, 'k'));
  server.write("doc.txt", "start\n");
  co_await server.start();
  auto page = co_await browser::connect(server);
  const auto opened = co_await page->call("document.open", {{"path", "doc.txt"}});
  const auto epoch = text_of(opened.at("epoch"));

  const auto ballast = server.home() / "ballast";
  small_disk::fill(ballast);
  co_await everything_is_refused(server, *page, epoch);
  EXPECT_EQ(server.read("doc.txt"), "start\n");

  std::filesystem::remove(ballast);
  co_await page->call("document.push", insertion(epoch, 0, 6, "after "));
  co_await page->event("document.saved");
  EXPECT_EQ(server.read("doc.txt"), "after start\n");
  co_await page->call("files.write", {{"path", "kept.txt"}, {"text", "new"}});
  EXPECT_EQ(server.read("kept.txt"), "new");
  net::http_client client;
  const auto state = co_await client.fetch(server.browsers(), from_hub("HEAD", "/files/up.bin?upload"));
  const auto offset = std::stoull(std::string(state.headers.find("Upload-Offset").value_or("0")));
  auto put = from_hub("PUT", "/files/up.bin?offset=" + std::to_string(offset), {{"Upload-Length", "200000"}});
  EXPECT_EQ((co_await client.fetch(server.browsers(), std::move(put), std::string(200'000 - offset, 'x'))).status,
            201u);
  EXPECT_EQ(server.read("up.bin"), std::string(200'000, 'x'));

  // Full between the acknowledgement and the save: the text is safe in the journal, and is saved when there is space.
  small_disk::fill(ballast);
  co_await page->call("document.push", insertion(epoch, 1, 12, "x"));
  co_await page->event("document.save_failed");
  std::filesystem::remove(ballast);
  co_await page->event("document.saved");
  EXPECT_EQ(server.read("doc.txt"), "xafter start\n");
}

TEST_P(FullDisk, OfAProjectIsSaidChangesNothingAndHeals) {
  project_server server(GetParam());
  if (!small_disk::mount(server.home(), 4)) GTEST_SKIP() << "SKIPPED: only root can mount a small file system";
  run(fill_and_free(server), 60s);
  server.kill();
  small_disk::unmount(server.home());
}

}  // namespace
}  // namespace atrium::tests
