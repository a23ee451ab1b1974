// Follows docs/operations.md, "Why was a start slow?", with the commands that stand there: two starts that are slow for
// a real reason, and one trace id in everybody's log.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "atrium/base/trace.hpp"
#include "atrium/net/websocket.hpp"
#include "atrium/rt/scope.hpp"
#include "tests/integration/system/running_system.hpp"

namespace atrium::tests {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

/// The indented lines of that section, in order.
std::vector<std::string> documented_commands() {
  std::ifstream in(ATRIUM_SOURCE "/docs/operations.md");
  std::vector<std::string> out;
  bool within = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) within = line == "## Why was a start slow?";
    if (within && line.starts_with("       ")) out.push_back(line.substr(7));
  }
  return out;
}

/// An operator at a shell.
struct operator_desk {
  std::string state, project, trace;

  rt::task<std::string> run(std::string_view begins_with, std::string_view has) const {
    std::string command;
    for (auto& c : documented_commands())
      if (c.starts_with(begins_with) && c.find(has) != std::string::npos) command = c;
    EXPECT_NE(command, "") << "documented: " << begins_with << " ... " << has;
    command = std::regex_replace(command, std::regex("DIR"), state);
    command = std::regex_replace(command, std::regex("PROJECT"), project);
    command = std::regex_replace(command, std::regex("TRACE"), trace);
    const auto done = co_await rt::run_command({.argv = {"/bin/sh", "-c", command}});
    EXPECT_EQ(done.standard_error, "") << command;
    co_return done.standard_output;
  }

  /// Step 1: milliseconds before each phase.
  rt::task<std::map<std::string, long>> phases() const {
    std::istringstream lines(co_await run("psql", "jsonb_each_text"));
    std::map<std::string, long> out;
    for (std::string line; std::getline(lines, line);)
      if (const auto bar = line.find('|'); bar != std::string::npos && bar + 1 < line.size())
        out[line.substr(0, bar)] = std::stol(line.substr(bar + 1));
    co_return out;
  }
  rt::task<std::string> slowest_phase() const {
    std::pair<std::string, long> worst;
    for (const auto& p : co_await phases())
      if (p.second >= worst.second) worst = p;
    co_return worst.first;
  }
};

/// The page's connection to the hub.
class page {
 public:
  page(running_system& system, const person& who) : system_(system), who_(who) {}

  rt::task<void> open() {
    socket_ = co_await connect("/hub");
    co_await call("subscribe", {{"query", "projects"}}, {});
  }
  /// A WebSocket through the edge, as a page opens it.
  rt::task<std::unique_ptr<net::websocket>> connect(std::string target) {
    return net::connect_websocket(
        system_.client(), system_.address(),
        {.target = std::move(target),
         .headers = {{"Cookie", who_.cookie()}, {"Origin", "http://" + system_.address().authority()}}});
  }
  /// Sends a request and waits for its answer; pushes meanwhile are kept.
  rt::task<json::object> call(std::string method, json::object params, std::string traceparent) {
    json::object request{{"id", ++last_}, {"method", method}, {"params", std::move(params)}};
    if (!traceparent.empty()) request["traceparent"] = traceparent;
    co_await socket_->send_text(json::serialize(request));
    for (;;) {
      auto message = co_await next();
      const auto* id = message.if_contains("id");
      if (id && *id == last_) co_return message;
    }
  }
  /// The row of a project as the page last heard of it.
  rt::task<json::object> row_when(std::string state) {
    for (;;) {
      const auto* now = row_.if_contains("state");
      if (now && now->is_object() && now->as_object().contains("state") && now->at("state") == json::string(state))
        co_return row_;
      co_await next();
    }
  }

 private:
  rt::task<json::object> next() {
    const auto message = co_await socket_->receive();
    if (!message) fail(disposition::disconnected, "the hub closed the connection");
    auto value = json::parse(message->data).as_object();
    if (const auto* changes = value.if_contains("changes"))
      for (const auto& c : changes->as_array())
        if (c.as_object().contains("row")) row_ = c.at("row").as_object();
    co_return value;
  }

  running_system& system_;
  const person& who_;
  std::unique_ptr<net::websocket> socket_;
  json::object row_;
  int last_ = 0;
};

/// Stops a process for a while, beginning now.
rt::task<void> hold(pid_t pid, rt::duration time) {
  ::kill(pid, SIGSTOP);
  std::exception_ptr failed;
  try {
    co_await rt::sleep_for(time);
  } catch (...) {
    failed = std::current_exception();
  }
  ::kill(pid, SIGCONT);
  if (failed) std::rethrow_exception(failed);
}

std::set<std::string> services_in(const std::string& records) {
  std::istringstream lines(records);
  std::set<std::string> out;
  for (std::string line; std::getline(lines, line);)
    out.insert(std::string(json::parse(line).at("service").as_string()));
  return out;
}

/// A slow start from the page's side: the request goes out while `culprit` is stopped.
rt::task<void> slow_start(page& browser, operator_desk& desk, pid_t culprit, rt::duration time) {
  const auto parent = trace::to_traceparent(trace::make());
  desk.trace = trace::parse_traceparent(parent).text();
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn(hold(culprit, time), "hold");
    co_await rt::yield();
    const auto answer = co_await browser.call("projects.start", {{"project_id", desk.project}}, parent);
    EXPECT_TRUE(answer.contains("result")) << json::serialize(answer);
  });
  const auto row = co_await browser.row_when("running");
  EXPECT_EQ(row.at("status").at("start").at("trace"), json::string(desk.trace)) << "what the browser is told";
}

rt::task<void> follow_the_page(std::string backend) {
  running_system system(backend);
  co_await system.start();
  person ada(system);
  co_await ada.sign_up("ada@example.org", "Ada");
  page browser(system, ada);
  co_await browser.open();
  operator_desk desk{.state = system.state() + "/s", .project = {}, .trace = {}};
  const auto made = co_await browser.call("projects.create", {{"title", "Slow"}}, {});
  desk.project = made.at("result").at("project_id").as_string();

  // manage-action's longest timer is its renewal, every 2 s: stopped for longer, it wakes late and says so.
  co_await slow_start(browser, desk, system.pid_of("manage-action"), 3s);
  {
    const auto target = "/" + desk.project + "/ws?traceparent=" + trace::to_traceparent(trace::parse(desk.trace));
    const auto socket = co_await browser.connect(target);
    EXPECT_TRUE(co_await socket->receive()) << "the project's hello";
    co_await socket->close();
  }

  EXPECT_EQ(co_await desk.slowest_phase(), "accepted");
  EXPECT_EQ(co_await desk.run("psql", "'trace' FROM"), desk.trace + "\n");
  const auto records = co_await desk.run("grep -rhF", "sort");
  const auto services = services_in(records);
  for (const char* service :
       {"edge", "hub-websocket", "hub-proxy", "manage-action", "manage-state", "devcluster", "project"})
    EXPECT_TRUE(services.contains(service)) << service << " is missing in\n" << records;
  EXPECT_NE(records.find("request accepted"), std::string::npos) << records;
  const auto late = co_await desk.run("grep -hE", "manage-action.log");
  EXPECT_NE(late.find("loop woke late"), std::string::npos) << late;
  const auto figures = co_await desk.run("curl", "/metrics");
  for (const char* name : {"atrium_runtime_loop_lag_seconds_count", "atrium_runtime_late_wakes_total",
                           "atrium_pg_pool_waiting_tasks", "atrium_runtime_tasks"})
    EXPECT_NE(figures.find(name), std::string::npos) << name << " in\n" << figures;
  const auto tasks = co_await desk.run("curl", "/debug/tasks");
  EXPECT_NE(tasks.find("listen for requests"), std::string::npos) << tasks;

  co_await browser.call("projects.stop", {{"project_id", desk.project}}, {});
  co_await browser.row_when("opened");
  co_await slow_start(browser, desk, system.pid_of("devcluster"), 3s);
  EXPECT_EQ(co_await desk.slowest_phase(), "created");
  EXPECT_EQ(co_await desk.run("psql", "'trace' FROM"), desk.trace + "\n") << "each start has its own";
  co_await system.stop();
}

TEST(SlowStart, IsExplainedByTheDocumentedCommands) {
  rt::loop loop;
  loop.run(rt::with_timeout(180s, follow_the_page({})));
}

rt::task<std::string> trace_told(running_system& system, const person& who, net::headers fields) {
  fields.add("Cookie", who.cookie());
  fields.add("Content-Type", "application/json");
  const auto answer = co_await system.client().fetch(
      system.address(), {.method = "POST", .target = "/api/v2/projects/start", .headers = std::move(fields)},
      R"({"project_id":"00000000-0000-4000-8000-000000000000"})");
  const auto value = json::parse(answer.body).as_object();
  const auto* told = value.if_contains("trace");
  co_return told ? std::string(told->as_string()) : "";
}

rt::task<void> try_trace_ids() {
  running_system system;
  co_await system.start();
  person ada(system);
  co_await ada.sign_up("ada@example.org", "Ada");
  const std::string ours = "http://" + system.address().authority();
  const auto parent = trace::to_traceparent(trace::make());
  const auto id = trace::parse_traceparent(parent).text();
  EXPECT_EQ(co_await trace_told(system, ada, {{"Origin", ours}, {"traceparent", parent}}), id);
  for (const auto& fields : std::vector<net::headers>{
           {{"traceparent", parent}},
           {{"Sec-Fetch-Site", "cross-site"}, {"traceparent", parent}},
           {{"Origin", ours}},
           {{"Origin", ours}, {"traceparent", parent + "-more"}},
           {{"Origin", ours}, {"traceparent", parent}, {"traceparent", parent}},
           {{"Origin", ours}, {"traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01"}},
           {{"Origin", ours}, {"traceparent", "\"}{"}}}) {
    const auto told = co_await trace_told(system, ada, fields);
    EXPECT_NE(told, id);
    if (!fields.contains("Sec-Fetch-Site")) EXPECT_TRUE(trace::parse(told)) << told;
  }
  // A page that a project shows at its content host is somebody's, not ours.
  const auto shown = "8888-00000000-0000-4000-8000-000000000000.localhost:" + std::to_string(system.address().port);
  const auto refused =
      co_await ada.request("GET", "/", {{"Host", shown}, {"Origin", "http://" + shown}, {"traceparent", parent}});
  EXPECT_EQ(refused.status, 401u);
  EXPECT_NE(refused.body.find("\"trace\""), std::string::npos) << refused.body;
  EXPECT_EQ(refused.body.find(id), std::string::npos) << refused.body;
  co_await system.stop();
}

TEST(TraceIds, OfStrangersAndBrokenOnesAreReplacedAtTheEdge) {
  rt::loop loop;
  loop.run(rt::with_timeout(120s, try_trace_ids()));
}

}  // namespace
}  // namespace atrium::tests
