// Too much of something, too slowly, out of the home, and parts of the system that are away.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/integration/security/stage.hpp"
#include "tests/support/patience.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Limits = security;

TEST_F(Limits, Cve_2024_37890_And_2021_32640_HeadsAreBoundedBeforeTheyAreUnderstood) {
  auto body = []() -> rt::task<void> {
    std::string many, commas(20'000, ',');
    for (int i = 0; i < 2000; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
    const std::pair<std::string, unsigned> heads[] = {
        {"GET / HTTP/1.1\r\n" + fields_of(ada()) + many + "\r\n", 431},
        {"GET / HTTP/1.1\r\n" + fields_of(ada()) + "X: " + std::string(100'000, 'a') + "\r\n\r\n", 431},
        {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n" + fields_of(ada()) + "\r\n", 414},
        {std::string(100'000, 'A') + " / HTTP/1.1\r\n\r\n", 0},
    };
    for (const auto& [head, status] : heads) {
      const auto answer = co_await say(head);
      if (status) EXPECT_EQ(status_of(answer), status) << head.substr(0, 60);
      else EXPECT_EQ(status_of(answer) / 100, 4u) << answer.substr(0, 100);
      EXPECT_EQ(answers_in(answer), 1u);
    }
    // A long list of protocols, which took quadratic time elsewhere.
    const auto began = rt::clock::now();
    co_await say("GET /hub HTTP/1.1\r\n" + fields_of(ada()) +
                 "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                 "x\r\nSec-WebSocket-Protocol: a" +
                 commas + std::string(5000, ' ') + "b\r\n\r\n");
    EXPECT_LT(rt::clock::now() - began, 10s);
    EXPECT_EQ((co_await ada().request("GET", telling("/x"))).status, 200u);
  };
  run(body());
}

TEST_F(Limits, WhatTheEdgeLetsInTheHopsBehindItTake) {
  auto body = []() -> rt::task<void> {
    const auto ask = [](std::string path, int fields, std::size_t filling, std::string more = {}) {
      std::string head = "GET " + path + " HTTP/1.1\r\n" + fields_of(ada()) + more;
      for (int i = 3 + static_cast<int>(std::ranges::count(more, '\n')); i < fields; ++i)
        head += "X-" + std::to_string(i) + ": " + std::string(i == 3 ? filling : 1, 'a') + "\r\n";
      return head + "\r\n";
    };
    const auto large = 32 * 1024 - ask(telling("/x"), 4, 0).size();  // the whole head: 32 KiB
    const auto upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const std::pair<std::string, unsigned> heads[] = {
        {ask(telling("/x"), 100, 1), 200},
        {ask(telling("/x"), 101, 1), 431},
        {ask(telling("/x"), 4, large), 200},
        {ask(telling("/x"), 4, large + 2), 431},
        {ask(telling("/upgrade"), 100, 1, upgrade), 101},
        {ask(telling("/" + std::string(8 * 1024 - telling("/").size(), 'a')), 4, 1), 200},
        {ask(telling("/" + std::string(8 * 1024 - telling("/").size() + 1, 'a')), 4, 1), 414},
        {ask(telling("/fields/100"), 4, 1), 200},
        {ask(telling("/fields/101"), 4, 1), 502},
    };
    for (const auto& [head, status] : heads) {
      const auto answer = co_await say(head);
      EXPECT_EQ(status_of(answer), status) << head.substr(0, 100) << "...\n" << answer.substr(0, 500);
      if (status == 200 && head.find("/fields/") == std::string::npos)
        EXPECT_THAT(answer, HasSubstr(head.substr(head.rfind("X-"), head.size() - 2 - head.rfind("X-"))))
            << "all arrived";
    }
  };
  run(body());
}

TEST_F(Limits, LinksDoNotLeadOutOfTheHome) {
  auto body = []() -> rt::task<void> {
    co_await ada().shell(project(),
                         "mkdir -p links; cd links; ln -sfn /etc/passwd absolute; ln -sfn / root; ln -sfn "
                         "../../../../../../../etc/passwd up; ln -sfn ../tell.py inside; ln -sfn loop loop; ln -sfn "
                         "/proc/self/environ environ; mkfifo -m 600 pipe");
    for (const char* name : {"links/absolute", "links/root/etc/passwd", "links/up", "links/loop", "links/environ",
                             "links/root/", "links/pipe", "links/../../../etc/passwd", "..%2f..%2fetc%2fpasswd",
                             "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "links/root/proc/1/environ"})
      for (const char* route : {"/files/", "/raw/"}) {
        const auto a = co_await rt::with_timeout(20s, ada().request("GET", at(route + std::string(name))));
        EXPECT_TRUE(a.status >= 400 && a.status < 500) << route << name << " " << a.status;
        EXPECT_THAT(a.body, Not(HasSubstr("root:x:0:0"))) << name;
      }
    EXPECT_EQ((co_await ada().request("GET", at("/files/links/inside"))).status, 200u) << "links within the home work";
    for (const char* name : {"links/root/tmp/evil", "links/absolute/x", "links/root/home/user/evil"}) {
      const auto a = co_await ada().request("PUT", at("/files/" + std::string(name)), {}, "evil");
      EXPECT_TRUE(a.status >= 400 && a.status < 500) << name << " " << a.status << a.body;
    }
    const auto tar = co_await ada().request("GET", at("/files/links?format=tar"));
    EXPECT_EQ(tar.status, 200u);
    EXPECT_THAT(tar.body, Not(HasSubstr("root:x:0:0"))) << "links are stored as links";
    EXPECT_EQ(co_await ada().shell(project(), "ls /tmp/evil 2>/dev/null | wc -l; readlink links/absolute"),
              "0\n/etc/passwd\n");
  };
  run(body());
}

std::size_t resident_kb(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10);
  return 0;
}

/// The longest that one of Ada's requests into her project takes.
rt::task<rt::duration> worst_of(person& who, std::string path, int requests) {
  rt::duration worst{};
  for (int i = 0; i < requests; ++i) {
    const auto began = rt::clock::now();
    EXPECT_EQ((co_await who.request("GET", path)).status, 200u);
    worst = std::max(worst, rt::clock::now() - began);
  }
  co_return worst;
}

TEST_F(Limits, ThousandsOfSlowClientsDisturbNobodyAndAreDropped) {
  auto body = []() -> rt::task<void> {
    constexpr std::size_t addresses = 3, each = 800, most = 1000;  // most: --connections-per-address
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 16'384);
    ::setrlimit(RLIMIT_NOFILE, &files);
    const auto before = resident_kb(system().pid_of("edge"));
    std::vector<raw_client> slow;
    for (std::size_t i = 0; i < addresses * each; ++i) {
      slow.push_back(connect("127.0.0." + std::to_string(2 + i % addresses)));
      // A third each: half a request line, fields without an end, a body that does not come.
      co_await slow.back().send(i / addresses % 3 == 0 ? "GET / HT"
                                : i / addresses % 3 == 1
                                    ? "GET / HTTP/1.1\r\nHost: a\r\nX: "
                                    : "POST /api/v2/auth/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{");
    }
    const auto worst = co_await worst_of(ada(), telling("/x"), 50);
    const auto grown = resident_kb(system().pid_of("edge")) - before;
    std::printf("%zu slow clients: worst of 50 requests into a project %lld ms, the edge grew by %.1f kB each\n",
                slow.size(),
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(worst).count()),
                double(grown) / double(slow.size()));
    EXPECT_LT(worst, 5s);
    // A sanitizer's shadow of the memory counts here too, and says nothing of ours.
    if (ATRIUM_PATIENCE == 1) EXPECT_LT(grown, slow.size() * 40) << "kB of memory";
    // One address has its limit, and is told so; the others do not notice.
    std::vector<raw_client> greedy;
    for (std::size_t i = 0; i < most + 50; ++i) greedy.push_back(connect("127.0.0.9"));
    const auto told = co_await rest_of(greedy.back());
    EXPECT_EQ(status_of(told), 503u) << told;
    EXPECT_THAT(told, HasSubstr("Too many connections from your address"));
    EXPECT_LT(co_await worst_of(ada(), telling("/x"), 5), 5s);
    greedy.clear();
    const auto began = rt::clock::now();
    for (auto& c : slow) co_await rest_of(c, 60s);
    std::printf(
        "all were dropped within %lld s\n",
        static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(rt::clock::now() - began).count()));
    // And the address is welcome again.
    co_await eventually(10s, [&]() -> rt::task<void> {
      auto again = connect("127.0.0.9");
      co_await again.send("GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      if (status_of(co_await again.rest()) != 200) fail(disposition::failed, "still refused");
    });
  };
  run(body(), 150s);
}

/// The server and all of its processes.
std::vector<pid_t> family(pid_t parent) {
  std::vector<pid_t> out{parent};
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "stat");
    std::string text;
    if (std::atoi(entry.path().filename().c_str()) <= 0 || !std::getline(in, text)) continue;
    const auto behind = text.rfind(')');
    if (behind != std::string::npos && std::atoi(text.c_str() + behind + 4) == parent)
      out.push_back(std::atoi(text.c_str()));
  }
  return out;
}

TEST_F(Limits, AStoppedDatabaseIsSaidClearlyAndPasses) {
  auto body = []() -> rt::task<void> {
    struct stopped {
      std::vector<pid_t> all = family(security::system().pid_of("postgres"));
      stopped() { send(SIGSTOP); }
      ~stopped() { send(SIGCONT); }
      void send(int signal) const {
        for (const auto pid : all) ::kill(pid, signal);
      }
    };
    {
      const stopped database;
      const auto began = rt::clock::now();
      const auto a = co_await ada().request("POST", "/api/v2/projects/get", {}, "{}");
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(rt::clock::now() - began);
      std::printf("stopped database: an answer of %u after %lld ms: %s\n", a.status,
                  static_cast<long long>(took.count()), a.body.c_str());
      EXPECT_EQ(a.status, 503u);
      EXPECT_THAT(a.body, HasSubstr("The database does not answer"));
      EXPECT_THAT(a.body, Not(HasSubstr("postgres")));
      EXPECT_LT(took, 8s) << "about five, on a machine that has time";
      const auto socket = co_await refusal("/hub", {{"Cookie", ada().cookie()}, {"Origin", own_origin()}});
      EXPECT_EQ(socket, 503u);
      const auto stranger = co_await eve().request("GET", telling("/x"));
      EXPECT_EQ(stranger.status, 503u) << stranger.body;
      EXPECT_EQ((co_await ada().request("GET", "/app/")).status, 200u) << "pages that need no database are there";
    }
    co_await eventually(30s, []() -> rt::task<void> {
      const auto a = co_await ada().request("POST", "/api/v2/projects/get", {}, "{}");
      if (a.body.find(project()) == std::string::npos) fail(disposition::failed, "not back: " + a.body);
      const auto b = co_await ada().request("GET", telling("/x"));
      if (b.status != 200) fail(disposition::failed, "not back: " + b.body);
    });
  };
  run(body(), 120s);
}

}  // namespace
}  // namespace atrium::tests
