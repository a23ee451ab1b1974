// How an open document ends: the name is taken by another file, or the server stops.
#include "tests/integration/project/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(DocumentEnd);

PROJECT_TEST(DocumentEnd, WhoeverGetsTheNameOfARemovedFileTakesItsPlace) {
  server.write("x.txt", "x\n");
  server.write("y.txt", "y\n");
  auto a = co_await browser::connect(server, ann, "Ann"), b = co_await browser::connect(server, bob, "Bob");
  co_await a->call("document.open", {{"path", "y.txt"}});
  const auto old = text_of((co_await b->call("document.open", {{"path", "x.txt"}})).at("epoch"));
  std::filesystem::remove(server.home() / "x.txt");
  co_await b->event("document.removed");
  co_await a->call("files.rename", {{"from", "y.txt"}, {"to", "x.txt"}});
  EXPECT_EQ(text_of((co_await a->event("document.moved")).at("to")), "x.txt");
  for (const char* text : {"one\n", "two\n"}) {  // at the second, whoever heard of the first has said so
    server.write("x.txt", text);
    co_await a->event("document.updates");
  }
  co_await b->call("ping");
  for (const auto& e : b->events) EXPECT_NE(text_of(e.at("event")), "document.updates") << "of a file that is no more";
  EXPECT_EQ((co_await b->refused("document.push",
                                 {{"path", "x.txt"}, {"epoch", old}, {"version", 0}, {"updates", json::array{}}}))
                .disposition(),
            disposition::conflict);
  EXPECT_NE(text_of((co_await b->call("document.open", {{"path", "x.txt"}})).at("epoch")), old);
}

PROJECT_TEST(DocumentEnd, WhoTypesWhileTheServerStopsDoesNotEndItEarly) {
  server.write("a.txt", "");
  server.write("b.txt", "");
  auto page = co_await browser::connect(server);
  const auto epoch = text_of((co_await page->call("document.open", {{"path", "a.txt"}})).at("epoch"));
  co_await page->call("document.open", {{"path", "b.txt"}});
  // For a third of a second it is asked whether b.txt comes back, and its document does not close: a.txt's has by then.
  std::filesystem::remove(server.home() / "b.txt");
  co_await rt::sleep_for(80ms);
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn([](project_server& stops) -> rt::task<void> { EXPECT_EQ((co_await stops.stop()).code, 0); }(server),
            "stop");
    co_await rt::sleep_for(40ms);
    try {
      co_await page->send("document.push",
                          {{"path", "a.txt"},
                           {"epoch", epoch},
                           {"version", 0},
                           {"updates", json::parse(R"([{"clientID":"A","id":"1","changes":[[0,"x"]]}])")}});
    } catch (const failure&) {  // it had stopped
    }
  });
}

}  // namespace
}  // namespace atrium::tests
