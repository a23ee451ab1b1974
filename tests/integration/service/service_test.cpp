// The shell in child processes: real signals, real exit codes.
#include "apps/service/service.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include "atrium/base/log.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/patience.hpp"

using namespace atrium;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

/// One forked service on a Unix socket of its own, its log in a file.
class child {
 public:
  child(std::function<void(service::definition&)> adjust, service::body body, std::vector<std::string> flags = {}) {
    char name[] = "/tmp/atrium-service-XXXXXX";
    folder_ = ::mkdtemp(name);
    pid_ = ::fork();
    if (pid_ != 0) return;
    if (!std::freopen((folder_ + "/log").c_str(), "w", stderr) ||
        !std::freopen((folder_ + "/out").c_str(), "w", stdout))
      ::_exit(99);
    service::definition what{.name = "demo", .summary = "shows the shell", .listen = address()};
    if (adjust) adjust(what);
    std::vector<std::string> arguments{"demo", "--log-format", "json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    const int code = service::run(what, static_cast<int>(argv.size()), argv.data(), std::move(body));
    std::fflush(nullptr);
    ::_exit(code);
  }
  ~child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }
  std::string address() const { return "unix:" + folder_ + "/s.sock"; }
  net::origin origin() const { return net::origin::parse(address()).value(); }
  void signal(int number) const { ::kill(pid_, number); }
  /// Exit code.
  int wait() {
    int raw = 0;
    ::waitpid(std::exchange(pid_, -1), &raw, 0);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }
  std::string log() const { return read("log"); }
  std::string out() const { return read("out"); }

 private:
  std::string read(const char* name) const {
    std::ifstream in(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string folder_;
  pid_t pid_;
};

/// Asks until the service answers with `status` (it may still be starting).
rt::task<std::string> ask_until(net::http_client& client, const net::origin& at, std::string target, unsigned status) {
  while (true) {
    std::optional<net::http_client::whole> r;
    try {
      r = co_await client.fetch(at, {.target = target});
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected && f.disposition() != disposition::not_found) throw;
    }
    if (r && r->status == status) co_return r->body;
    co_await rt::sleep_for(5ms);
  }
}

template <class F>
void with_client(F body) {
  rt::loop loop;
  net::http_client client;
  loop.run(rt::with_timeout(tests::patience(20s), body(client)));
}

rt::task<void> plain(service::context& c) {
  c.router().add("GET", "/hello/{name}", [](net::exchange& x) -> rt::task<void> {
    co_await x.respond(net::response::text(200, "hello " + std::string(x.parameter("name"))));
  });
  co_await c.serve();
}

TEST(Service, ServesHealthMetricsTasksAndItsRoutesAndEndsWithZero) {
  child c(nullptr, plain);
  with_client([&](net::http_client& client) -> rt::task<void> {
    EXPECT_EQ(co_await ask_until(client, c.origin(), "/ready", 200), "ready\n");
    EXPECT_EQ(co_await ask_until(client, c.origin(), "/alive", 200), "alive\n");
    EXPECT_EQ(co_await ask_until(client, c.origin(), "/hello/you", 200), "hello you");
    EXPECT_THAT(co_await ask_until(client, c.origin(), "/metrics", 200),
                HasSubstr("atrium_service_requests_total{route=\"/hello/{name}\",status=\"200\"} 1"));
    EXPECT_THAT(co_await ask_until(client, c.origin(), "/debug/tasks", 200), HasSubstr("http connection"));
    EXPECT_THAT(co_await ask_until(client, c.origin(), "/nothing", 404), HasSubstr("nothing at this address"));
  });
  c.signal(SIGTERM);
  EXPECT_EQ(c.wait(), 0) << c.log();
}

TEST(Service, WhoConnectsBetweenTwoLivesOfAHandedOverSocketIsServed) {
  const auto door = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  const std::vector<std::string> flags{"--listen", "fd:" + std::to_string(door.fd())};
  const net::origin at{.secure = false, .host = "127.0.0.1", .port = door.local().port(), .unix_socket = {}};
  std::optional<child> life(std::in_place, nullptr, plain, flags);
  with_client([&](net::http_client& client) -> rt::task<void> {
    EXPECT_EQ(co_await ask_until(client, at, "/hello/you", 200), "hello you");
  });
  life.reset();
  auto early = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(early, door.local().address(), door.local().size()), 0) << "nobody serves, but it may wait";
  const std::string_view request = "GET /hello/early HTTP/1.0\r\n\r\n";
  ASSERT_EQ(::send(early, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  life.emplace(nullptr, plain, flags);
  std::string answer;
  char piece[512];
  for (ssize_t n; answer.find("hello early") == answer.npos && (n = ::recv(early, piece, sizeof piece, 0)) > 0;)
    answer.append(piece, static_cast<std::size_t>(n));
  ::close(early);
  EXPECT_THAT(answer, testing::AnyOf(HasSubstr("hello early"), HasSubstr("starting"))) << life->log();

  child wrong(nullptr, plain, {"--listen", "fd:77"});
  EXPECT_EQ(wrong.wait(), 1);
  EXPECT_THAT(wrong.log(), HasSubstr("hand one over"));
  child nonsense(nullptr, plain, {"--listen", "fd:one"});
  EXPECT_EQ(nonsense.wait(), 2);
}

TEST(Service, HealthAnswersWhileTheBodySetsUp) {
  child c(nullptr, [](service::context& s) -> rt::task<void> {
    rt::event go;
    s.router().add("GET", "/own", [](net::exchange& x) { return x.respond(net::response::text(200, "own")); });
    s.listen("127.0.0.1:0", [](net::exchange& x) { return x.respond(net::response::text(200, "more")); });
    co_await go.wait();
  });
  with_client([&](net::http_client& client) -> rt::task<void> {
    co_await ask_until(client, c.origin(), "/alive", 200);
    EXPECT_THAT(co_await ask_until(client, c.origin(), "/ready", 503), HasSubstr("starting"));
    EXPECT_THAT(co_await ask_until(client, c.origin(), "/own", 503), HasSubstr("starting"));
  });
  c.signal(SIGINT);
  EXPECT_EQ(c.wait(), 0) << "a signal ends a body that still sets up: " << c.log();
}

TEST(Service, ReadinessChecksAreNamed) {
  child c(nullptr, [](service::context& s) -> rt::task<void> {
    s.ready_when("database", []() -> rt::task<void> { co_return; });
    s.ready_when("cluster", []() -> rt::task<void> {
      fail(disposition::disconnected, "The cluster does not answer.");
      co_return;
    });
    co_await s.serve();
  });
  with_client([&](net::http_client& client) -> rt::task<void> {
    std::string text;
    while (text.find("database") == std::string::npos) text = co_await ask_until(client, c.origin(), "/ready", 503);
    EXPECT_EQ(text, "not ready\ndatabase: ok\ncluster: The cluster does not answer.\n");
  });
}

TEST(Service, RunningExchangesFinishAndHooksRunWhileItDrains) {
  child c(nullptr, [](service::context& s) -> rt::task<void> {
    auto& released = s.make<rt::event>();
    auto& entered = s.make<rt::event>();
    s.router().add("GET", "/slow", [&](net::exchange& x) -> rt::task<void> {
      entered.set();
      co_await released.wait();
      co_await x.respond(net::response::text(200, s.draining() ? "finished while draining" : "too early"));
    });
    s.router().add("GET", "/stop", [&](net::exchange& x) -> rt::task<void> {
      co_await entered.wait();
      s.stop();
      co_await x.respond(net::response::text(200, "stopping"));
    });
    s.on_drain([&]() -> rt::task<void> {
      released.set();
      co_return;
    });
    co_await s.serve();
  });
  with_client([&](net::http_client& client) -> rt::task<void> {
    co_await ask_until(client, c.origin(), "/ready", 200);
    const auto slow = [&]() -> rt::task<void> {
      EXPECT_EQ((co_await client.fetch(c.origin(), {.target = "/slow"})).body, "finished while draining");
    };
    const auto stop = [&]() -> rt::task<void> {
      EXPECT_EQ((co_await client.fetch(c.origin(), {.target = "/stop"})).body, "stopping");
    };
    co_await rt::all(slow(), stop());
  });
  EXPECT_EQ(c.wait(), 0) << c.log();
}

TEST(Service, TheGracePeriodIsBoundedAndTasksAreJoined) {
  child c(nullptr,
          [](service::context& s) -> rt::task<void> {
            struct state {
              ~state() { log::info("state destroyed"); }
              rt::task<void> work() {
                try {
                  co_await rt::sleep_for(1h);
                } catch (const failure&) {
                  log::info("task ended");
                  throw;
                }
              }
            };
            auto& kept = s.make<state>();
            s.spawn(kept.work(), "work");
            s.router().add("GET", "/hang", [&](net::exchange&) -> rt::task<void> {
              s.stop();
              co_await rt::sleep_for(1h);
            });
            co_await s.serve();
          },
          {"--grace", "50ms"});
  with_client([&](net::http_client& client) -> rt::task<void> {
    co_await ask_until(client, c.origin(), "/ready", 200);
    EXPECT_THROW(co_await client.fetch(c.origin(), {.target = "/hang"}), failure);
  });
  EXPECT_EQ(c.wait(), 0) << c.log();
  const auto cut = c.log().find("after the grace period"), ended = c.log().find("task ended"),
             gone = c.log().find("state destroyed");
  EXPECT_TRUE(cut < ended && ended < gone && gone != std::string::npos) << c.log();
}

TEST(Service, AFailedBackgroundTaskEndsTheProcess) {
  child c(nullptr, [](service::context& s) -> rt::task<void> {
    s.spawn(
        []() -> rt::task<void> {
          co_await rt::sleep_for(1ms);
          fail(disposition::disconnected, "The change stream broke.");
        }(),
        "changes");
    co_await s.serve();
  });
  EXPECT_EQ(c.wait(), 1);
  EXPECT_THAT(c.log(), HasSubstr("The change stream broke."));
}

TEST(Service, AFailedBodyEndsTheProcess) {
  child c(nullptr, [](service::context& s) -> rt::task<void> {
    s.spawn(rt::sleep_for(1h), "sleeps");
    fail(disposition::denied, "The database refused us.");
    co_return;
  });
  EXPECT_EQ(c.wait(), 1);
  EXPECT_THAT(c.log(), HasSubstr("The database refused us."));
}

TEST(Service, AnAddressInUseIsSaidPlainly) {
  child first(nullptr, plain);
  with_client(
      [&](net::http_client& client) -> rt::task<void> { co_await ask_until(client, first.origin(), "/alive", 200); });
  child second([&](service::definition& d) { d.listen = first.address(); }, plain);
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.log(), HasSubstr("conflict"));
}

TEST(Service, Sigusr1WritesTheTaskTreeToTheLog) {
  child c(nullptr, plain);
  with_client([&](net::http_client& client) -> rt::task<void> {
    co_await ask_until(client, c.origin(), "/ready", 200);
    c.signal(SIGUSR1);
    while (c.log().find("\"name\":\"accept\"") == std::string::npos) co_await rt::sleep_for(5ms);
  });
  c.signal(SIGTERM);
  EXPECT_EQ(c.wait(), 0);
}

TEST(Service, WrongSettingsEndWithTwoAndHelpWithZero) {
  child wrong(nullptr, plain, {"--listne", "x"});
  EXPECT_EQ(wrong.wait(), 2);
  EXPECT_THAT(wrong.log(), HasSubstr("did you mean --listen?"));
  child address(nullptr, plain, {"--listen", "nonsense"});
  EXPECT_EQ(address.wait(), 2);
  child help([](service::definition& d) { d.database = true; }, plain, {"--help"});
  EXPECT_EQ(help.wait(), 0);
  EXPECT_THAT(help.out(), testing::AllOf(HasSubstr("--database CONNINFO"), HasSubstr("ATRIUM_LISTEN"),
                                         testing::Not(HasSubstr("--kubeconfig"))));
}

TEST(Service, OperationsCanBeKeptOffThePublicAddress) {
  child c([](service::definition& d) { d.operations = false; }, plain);
  with_client([&](net::http_client& client) -> rt::task<void> {
    co_await ask_until(client, c.origin(), "/ready", 200);
    co_await ask_until(client, c.origin(), "/metrics", 404);
    co_await ask_until(client, c.origin(), "/debug/tasks", 404);
  });
}

}  // namespace
