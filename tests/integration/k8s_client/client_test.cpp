// The client against servers that answer as real ones do when things go wrong. What a good server answers:
// k8s_contract.
#include "atrium/k8s/client.hpp"

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "atrium/k8s/exec_protocol.hpp"
#include "atrium/k8s/informer.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/net/websocket.hpp"
#include "tests/support/backends.hpp"

namespace atrium::k8s {
namespace {

namespace json = boost::json;
namespace kinds = resources;
using namespace std::chrono_literals;

class Client : public tests::on_backends {
 protected:
  /// Runs body(config, server's address) beside a server with this handler.
  static rt::task<void> beside(net::handler handle, std::function<rt::task<void>(config)> body) {
    auto listener = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
    net::http_server server(handle);
    config c;
    c.server = net::origin::parse("http://" + listener.local().text()).value();
    auto play = [&](rt::scope& s) -> rt::task<void> {
      s.spawn(server.serve(listener), "server");
      co_await body(c);
      s.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(play);
  }
  void serve(net::handler handle, std::function<rt::task<void>(config)> body) {
    run(beside(std::move(handle), std::move(body)));
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, Client, testing::Values(rt::backend_kind::io_uring, rt::backend_kind::epoll),
                         tests::backend_name);

template <class T>
rt::task<error> failure_of(rt::task<T> t) {
  try {
    co_await std::move(t);
  } catch (const failure& f) {
    co_return f.error();
  }
  fail(disposition::failed, "a failure was expected");
}

rt::task<void> answer(net::exchange& ex, unsigned status, json::value body, net::headers more = {}) {
  auto r = net::response::json(status, json::serialize(body));
  for (const auto& [name, value] : more) r.headers.add(name, value);
  co_await ex.respond(std::move(r));
}

json::value status_of(unsigned code, std::string_view reason) {
  return {{"kind", "Status"}, {"code", code}, {"reason", reason}};
}

TEST_P(Client, ATokenThatIsRefusedIsReadAgainOnce) {
  char folder[] = "/tmp/atrium-token-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  const std::string file = std::string(folder) + "/token";
  std::ofstream(file) << "old\n";
  int refused = 0;
  auto handle = [&](net::exchange& ex) -> rt::task<void> {
    if (ex.request().headers.find("Authorization") == "Bearer new")
      co_return co_await answer(ex, 200, {{"kind", "Pod"}});
    ++refused;
    std::ofstream(file) << "new";  // as the kubelet does, some time
    co_await answer(ex, 401, status_of(401, "Unauthorized"));
  };
  serve(handle, [&](config c) -> rt::task<void> {
    c.token_file = file;
    client api(c);
    EXPECT_EQ(text_at(co_await api.get(kinds::pods, "n", "p"), {"kind"}), "Pod");
    EXPECT_EQ(text_at(co_await api.get(kinds::pods, "n", "p"), {"kind"}), "Pod");
    EXPECT_EQ(refused, 1);
  });
  std::filesystem::remove_all(folder);
}

TEST_P(Client, AFixedTokenThatIsRefusedFails) {
  int calls = 0;
  auto handle = [&](net::exchange& ex) -> rt::task<void> {
    ++calls;
    co_await answer(ex, 401, status_of(401, "Unauthorized"));
  };
  serve(handle, [&](config c) -> rt::task<void> {
    c.token = "x";
    client api(c);
    EXPECT_EQ((co_await failure_of(api.get(kinds::pods, "n", "p"))).disposition(), disposition::unauthenticated);
    EXPECT_EQ(calls, 1);
  });
}

TEST_P(Client, OverloadIsWaitedOutAndThenTold) {
  int calls = 0;
  auto handle = [&](net::exchange& ex) -> rt::task<void> {
    const bool endless = ex.request().path().ends_with("/endless");
    if (++calls <= 2 || endless)
      co_return co_await answer(ex, 429, status_of(429, "TooManyRequests"), {{"Retry-After", endless ? "30" : "0"}});
    co_await answer(ex, 200, {{"kind", "Pod"}});
  };
  serve(handle, [&](config c) -> rt::task<void> {
    client api(c);
    co_await api.get(kinds::pods, "n", "p");
    EXPECT_EQ(calls, 3);
    EXPECT_EQ((co_await failure_of(api.get(kinds::pods, "n", "endless"))).disposition(), disposition::overloaded);
    EXPECT_EQ(calls, 4) << "half a minute is more than a call may wait";
  });
}

TEST_P(Client, AListWhosePagesExpireStartsOverWithoutPages) {
  std::vector<std::string> asked;
  auto handle = [&](net::exchange& ex) -> rt::task<void> {
    const auto token = ex.request().query_value("continue");
    asked.push_back(ex.request().query_value("limit").value_or("-") + "/" + token.value_or("-"));
    if (token) co_return co_await answer(ex, 410, status_of(410, "Expired"));
    const bool paged = ex.request().query_value("limit").has_value();
    co_await answer(ex, 200,
                    {{"metadata", {{"resourceVersion", "5"}, {"continue", paged ? "next" : ""}}},
                     {"items", json::array{{{"n", 1}}, {{"n", 2}}}}});
  };
  serve(handle, [&](config c) -> rt::task<void> {
    client api(c);
    const auto l = co_await api.list(kinds::pods, "n", {.limit = 2});
    EXPECT_EQ(l.items->size(), 2u);
    EXPECT_EQ(asked, (std::vector<std::string>{"2/-", "2/next", "-/-"}));
  });
}

TEST_P(Client, AnswersThatAreNoJsonAreFailures) {
  auto handle = [](net::exchange& ex) -> rt::task<void> {
    net::response r{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = "<html>"};
    co_await ex.respond(std::move(r));
  };
  serve(handle, [](config c) -> rt::task<void> {
    client api(c);
    EXPECT_EQ((co_await failure_of(api.get(kinds::pods, "n", "p"))).disposition(), disposition::failed);
  });
}

/// A server whose watches misbehave in turn; every list has one object more.
struct bad_watches {
  int lists = 0, watches = 0;
  std::vector<std::string> versions;

  rt::task<void> operator()(net::exchange& ex) {
    if (!ex.request().query_value("watch")) {
      ++lists;
      json::array items;
      for (int i = 0; i < lists; ++i)
        items.push_back({{"metadata", {{"namespace", "n"}, {"name", "l" + std::to_string(i)}}}});
      co_return co_await answer(
          ex, 200, {{"metadata", {{"resourceVersion", std::to_string(lists * 100)}}}, {"items", std::move(items)}});
    }
    versions.push_back(ex.request().query_value("resourceVersion").value_or(""));
    auto body = co_await ex.start({.status = 200, .headers = {{"Content-Type", "application/json"}}});
    switch (++watches) {
      case 1:
        co_await send(*body, "ADDED", "a", "101");
        co_return;  // cut without an end
      case 2:
        co_await rt::sleep_for(1h);
        co_return;  // silent
      case 3:
        co_await body->write("{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n");
        co_await body->finish();
        co_return;
      case 4:
        co_await body->write("garbage\n");
        co_await body->finish();
        co_return;
      default:
        co_await send(*body, "ADDED", "last", "999");
        co_await rt::sleep_for(1h);
    }
  }
  static rt::task<void> send(net::body_writer& w, std::string type, std::string name, std::string version) {
    const std::string line =
        json::serialize(json::object{
            {"type", type},
            {"object", {{"metadata", {{"namespace", "n"}, {"name", name}, {"resourceVersion", version}}}}}}) +
        "\n";
    co_await w.write(line);
  }
};

TEST_P(Client, AnInformerComesThroughEveryKindOfBrokenWatch) {
  bad_watches server;
  serve([&](net::exchange& ex) { return server(ex); },
        [&](config c) -> rt::task<void> {
          client api(c);
          informer<std::string> pods(
              api, kinds::pods,
              {.ns = "n", .reflector = {.retry = {.first = 1ms, .longest = 5ms}, .quiet_limit = 300ms}},
              [](const json::value& v) { return std::optional(text_at(v, {"metadata", "name"})); });
          rt::event done;
          std::set<std::string> deleted;
          pods.on_changed([&](const std::string& key, const std::string*, const std::string&) {
            if (key == "n/last") done.set();
          });
          pods.on_deleted([&](const std::string& key, const std::string&) { deleted.insert(key); });
          auto body = [&](rt::scope& s) -> rt::task<void> {
            s.spawn(pods.run(), "informer");
            co_await done.wait();
            s.cancel(rt::cancel_reason::requested);
          };
          co_await rt::with_scope(body);
          EXPECT_EQ(server.lists, 2) << "only the 410 costs a list";
          EXPECT_EQ(server.versions.at(0), "100");
          EXPECT_EQ(server.versions.at(1), "101") << "resumed after the event";
          EXPECT_EQ(server.versions.at(2), "101");
          EXPECT_EQ(server.versions.at(3), "200");
          EXPECT_EQ(deleted, std::set<std::string>{"n/a"}) << "the second list does not have it";
          EXPECT_EQ(pods.size(), 3u);
        });
}

TEST_P(Client, ExecFallsBackToTheOlderProtocol) {
  auto handle = [](net::exchange& ex) -> rt::task<void> {
    net::websocket_options o;
    o.protocols = {std::string(exec_v4)};
    auto ws = co_await net::accept_websocket(ex, o);
    auto frame = [&](exec_channel channel, std::string_view text) -> rt::task<void> {
      const auto bytes = encode_exec_frame(channel, text);
      co_await ws->send_binary(rt::as_bytes(bytes));
    };
    co_await frame(exec_channel::output, "");
    co_await frame(exec_channel::output, ex.request().query_value("command").value_or("?"));
    co_await frame(exec_channel::error, "warned");
    co_await frame(
        exec_channel::status,
        R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"5"}]}})");
    co_await ws->close();
  };
  serve(handle, [](config c) -> rt::task<void> {
    client api(c);
    const auto out = co_await api.run("n", "p", {.command = {"a b&c"}});
    EXPECT_EQ(out.standard_output, "a b&c");
    EXPECT_EQ(out.standard_error, "warned");
    EXPECT_EQ(out.result.exit_code, 5);
    auto session = co_await api.exec("n", "p", {.command = {"x"}, .standard_input = true});
    EXPECT_EQ((co_await failure_of(session->close_input())).disposition(), disposition::unimplemented);
  });
}

TEST_P(Client, ExecIsRepeatedLikeEveryCall) {
  char folder[] = "/tmp/atrium-token-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  const std::string file = std::string(folder) + "/token";
  std::ofstream(file) << "old";
  int calls = 0;
  auto handle = [&](net::exchange& ex) -> rt::task<void> {
    ++calls;
    if (ex.request().path().find("/endless/") != std::string_view::npos)
      co_return co_await answer(ex, 429, status_of(429, "TooManyRequests"), {{"Retry-After", "30"}});
    if (calls == 1) co_return co_await answer(ex, 429, status_of(429, "TooManyRequests"), {{"Retry-After", "0"}});
    if (ex.request().headers.find("Authorization") != "Bearer new") {
      std::ofstream(file) << "new";
      co_return co_await answer(ex, 401, status_of(401, "Unauthorized"));
    }
    net::websocket_options o;
    o.protocols = {std::string(exec_v5)};
    auto ws = co_await net::accept_websocket(ex, o);
    const auto bytes = encode_exec_frame(exec_channel::status, R"({"status":"Success"})");
    co_await ws->send_binary(rt::as_bytes(bytes));
    co_await ws->close();
  };
  serve(handle, [&](config c) -> rt::task<void> {
    c.token_file = file;
    client api(c);
    EXPECT_EQ((co_await api.run("n", "p", {.command = {"x"}})).result.exit_code, 0);
    EXPECT_EQ(calls, 3);
    const auto told = co_await failure_of(api.run("n", "endless", {.command = {"x"}}));
    EXPECT_EQ(told.disposition(), disposition::overloaded);
    EXPECT_EQ(told.code(), "k8s.429") << "as of every call";
    EXPECT_EQ(calls, 4) << "half a minute is more than a call may wait";
  });
  std::filesystem::remove_all(folder);
}

TEST_P(Client, AnExecThatBreaksOffIsNoSuccess) {
  auto handle = [](net::exchange& ex) -> rt::task<void> {
    net::websocket_options o;
    o.protocols = {std::string(exec_v5)};
    auto ws = co_await net::accept_websocket(ex, o);
    const auto bytes = encode_exec_frame(exec_channel::output, "half");
    co_await ws->send_binary(rt::as_bytes(bytes));
    ws->abort();
  };
  serve(handle, [](config c) -> rt::task<void> {
    client api(c);
    EXPECT_EQ((co_await failure_of(api.run("n", "p", {.command = {"x"}}))).disposition(), disposition::disconnected);
  });
}

}  // namespace
}  // namespace atrium::k8s
