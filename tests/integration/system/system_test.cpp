#include <gtest/gtest.h>

#include <csignal>

#include "atrium/rt/scope.hpp"
#include "tests/integration/system/running_system.hpp"

namespace atrium::tests {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

void run(rt::task<void> body) {
  rt::loop loop;
  loop.run(rt::with_timeout(patience(220s), std::move(body)));
}

bool refused(const json::value& v) { return v.is_object() && v.as_object().contains("error"); }

class WholeSystem : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Backends, WholeSystem, testing::Values("io_uring", "epoll"),
                         [](const auto& p) { return std::string(p.param); });

TEST_P(WholeSystem, SignUpCreateStartWorkStopAndFindItAgain) {
  auto body = [](std::string backend) -> rt::task<void> {
    running_system system(backend);
    co_await system.start();
    person ada(system);
    co_await ada.sign_up("ada@example.org", "Ada");
    const auto project = co_await ada.running_project("Engine");
    EXPECT_EQ(co_await ada.shell(project, "echo $((6*7)); pwd; id -u"), "42\n/home/user\n2001\n");
    co_await ada.shell(project, "echo kept > notes.txt");
    const auto file = co_await ada.request("GET", "/" + project + "/files/notes.txt");
    EXPECT_EQ(file.status, 200u);
    EXPECT_EQ(file.body, "kept\n");
    EXPECT_FALSE(refused(co_await ada.api("projects/stop", {{"project_id", project}})));
    co_await system.stop();

    co_await system.start();
    person again(system);
    co_await again.sign_in("ada@example.org");
    EXPECT_EQ(again.account_id(), ada.account_id());
    EXPECT_FALSE(refused(co_await again.api("projects/start", {{"project_id", project}})));
    EXPECT_EQ(co_await again.shell(project, "cat notes.txt"), "kept\n");
    co_await system.stop();
  };
  run(body(GetParam()));
}

TEST(System, AnotherPersonGetsNothingOfAProject) {
  auto body = []() -> rt::task<void> {
    running_system system;
    co_await system.start();
    person ada(system), eve(system), nobody(system);
    co_await ada.sign_up("ada@example.org", "Ada");
    co_await eve.sign_up("eve@example.org", "Eve");
    const auto project = co_await ada.running_project("Private");
    const json::object id{{"project_id", project}};
    for (auto* p : {&eve, &nobody}) {
      for (const char* path : {"projects/start", "projects/stop", "projects/delete", "projects/collaborators/list"})
        EXPECT_TRUE(refused(co_await p->api(path, id))) << path;
      EXPECT_TRUE(refused(co_await p->api("projects/update", {{"project_id", project}, {"title", "mine"}})));
      EXPECT_TRUE(refused(co_await p->api("exec", {{"project_id", project}, {"command", "id"}})));
      EXPECT_TRUE(refused(
          co_await p->api("projects/collaborators/add", {{"project_id", project}, {"account_id", eve.account_id()}})));
      for (const char* path : {"/ws", "/files/", "/port/8888/", "/server/8888/", "/raw/x"}) {
        const auto answer = co_await p->request("GET", "/" + project + path);
        EXPECT_TRUE(answer.status == 401 || answer.status == 404) << path << " " << answer.status;
      }
    }
    const auto seen = json::serialize(
        co_await eve.api("user-query", {{"query", {{"projects", {{{"project_id", nullptr}, {"title", nullptr}}}}}}}));
    EXPECT_EQ(seen.find(project), std::string::npos) << seen;
    EXPECT_EQ(co_await ada.shell(project, "echo still mine"), "still mine\n");
    co_await system.stop();
  };
  run(body());
}

TEST(System, AnyKilledServiceIsBackAndNothingIsLost) {
  auto body = []() -> rt::task<void> {
    running_system system;
    co_await system.start();
    person ada(system);
    co_await ada.sign_up("ada@example.org", "Ada");
    const auto project = co_await ada.running_project("Sturdy");
    for (const char* service : {"hub-next", "hub-websocket", "hub-proxy", "manage-action", "manage-state", "static",
                                "edge", "devcluster", "postgres"}) {
      const auto killed = system.pid_of(service);
      EXPECT_GT(killed, 0) << service;
      if (killed <= 0) continue;
      ::kill(killed, SIGKILL);
      // Whole again: the process is a new one, and a command and a file come through every hub.
      co_await eventually(30s, [&]() -> rt::task<void> {
        if (system.pid_of(service) == killed)
          fail(disposition::failed, std::string(service) + " was not started again");
        EXPECT_EQ(co_await ada.shell(project, "echo up"), "up\n");
        const auto page = co_await ada.request("GET", "/app/");
        if (page.status != 200) fail(disposition::failed, "the page is not served");
        const auto files = co_await ada.request("HEAD", "/" + project + "/files/.profile-none");
        if (files.status != 404) fail(disposition::failed, "files answered " + std::to_string(files.status));
      });
      const auto restarted = co_await ada.api("projects/start", {{"project_id", project}});
      EXPECT_FALSE(refused(restarted)) << service << " " << json::serialize(restarted);
    }
    co_await system.stop();
  };
  run(body());
}

TEST(System, WhoComesWhileTheEdgeIsStartedAgainIsServed) {
  auto body = []() -> rt::task<void> {
    running_system system;
    co_await system.start();
    for (int life = 0; life < 3; ++life) {
      const auto killed = system.pid_of("edge");
      ::kill(killed, SIGKILL);
      while (::kill(killed, 0) == 0) co_await rt::sleep_for(1ms);
      net::http_client fresh({.response_timeout = patience(20s)});
      const auto page = co_await fresh.fetch(system.address(), {.target = "/app/"});  // refused, it would throw
      EXPECT_EQ(page.status, 200u);
      while (system.pid_of("edge") == killed) co_await rt::sleep_for(5ms);
    }
    co_await system.stop();
  };
  run(body());
}

TEST(System, TwoStandSideBySideAndOneFolderServesOne) {
  auto body = []() -> rt::task<void> {
    running_system one, two;
    co_await one.start();
    co_await two.start();
    person ada(one), eve(two);
    co_await ada.sign_up("same@example.org", "Ada");
    co_await eve.sign_up("same@example.org", "Eve");
    EXPECT_NE(ada.account_id(), eve.account_id());
    const auto third = co_await rt::run_command(
        {.argv = {ATRIUM_PROGRAM, "up", "--state", one.state() + "/s", "--listen", "127.0.0.1:0"}});
    EXPECT_EQ(third.status.code, 1);
    EXPECT_NE(third.standard_error.find("Another 'atrium up' uses the folder"), std::string::npos)
        << third.standard_error;
    co_await one.stop();
    co_await two.stop();
  };
  run(body());
}

}  // namespace
}  // namespace atrium::tests
