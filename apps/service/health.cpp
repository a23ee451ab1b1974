#include <cstdio>

#include "apps/service/shell.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::service {

namespace {

rt::task<void> run_check(const ready_check& c, std::string& line, bool& failed) {
  std::string what;
  try {
    co_await rt::with_timeout(std::chrono::seconds(2), c.check());
  } catch (const std::exception&) {
    const auto e = error_of(std::current_exception());
    what = e.public_text();
    log::debug("readiness check failed", {{"check", c.name}, {"error", e}});
  }
  if ((co_await rt::this_task()).cancelled() != rt::cancel_reason::none) co_return;
  failed = failed || !what.empty();
  line = c.name + ": " + (what.empty() ? "ok" : what) + "\n";
}

constexpr std::size_t logged_path = 200;

bool changes_something(const net::request& r) {
  return r.method != "GET" && r.method != "HEAD" && r.method != "OPTIONS";
}

/// What is worth a record: few enough that reading pages costs none.
bool worth_a_record(const net::request& r, unsigned status, double seconds) {
  return status >= 500 || status == 101 || changes_something(r) || seconds > 1;
}

std::string age_text(rt::duration age) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fs", std::chrono::duration<double>(age).count());
  return text;
}

}  // namespace

void record_request(log::level level, const net::request& r, unsigned status, double seconds) {
  log::write(level, "request",
             {{"method", r.method},
              {"path", r.path().substr(0, logged_path)},  // a query may hold what is nobody's business
              {"status", status},
              {"ms", static_cast<long long>(seconds * 1000)}});
}

std::string task_tree(const rt::loop& loop) {
  std::string out;
  for (const auto& t : loop.tasks()) {
    out.append(t.depth * 2, ' ').append(t.name).append("  ").append(age_text(t.age));
    if (!t.waiting_for.empty()) out.append("  waits for ").append(t.waiting_for);
    out.append("  ").append(t.place);
    if (t.trace) out.append("  trace ").append(t.trace.text());
    out.append("\n");
  }
  return out;
}

void health::mount(net::router& r, bool operations) {
  r.add("GET", "/alive", [](net::exchange& x) { return x.respond(net::response::text(200, "alive\n")); });
  r.add("GET", "/ready", [this](net::exchange& x) { return answer_ready(x); });
  if (!operations) return;
  r.add("GET", "/metrics", [this](net::exchange& x) { return answer_metrics(x); });
  r.add("GET", "/debug/tasks",
        [](net::exchange& x) { return x.respond(net::response::text(200, task_tree(rt::loop::current()))); });
}

rt::task<void> health::answer_metrics(net::exchange& x) {
  rt::loop::current().publish_metrics();
  for (const auto& look : looks_) look();
  auto answer = net::response::text(200, metrics::text());
  answer.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  co_await x.respond(std::move(answer));
}

rt::task<void> health::answer_ready(net::exchange& x) {
  if (!serving_) co_return co_await x.respond(net::response::text(503, "not ready: starting or draining\n"));
  std::vector<std::string> lines(checks_.size());
  bool failed = false;
  rt::scope checking(&co_await rt::this_task());
  for (std::size_t i = 0; i < checks_.size(); ++i)
    checking.spawn(run_check(checks_[i], lines[i], failed), "readiness check");
  co_await checking.join();
  std::string text = failed ? "not ready\n" : "ready\n";
  for (const auto& line : lines) text += line;
  co_await x.respond(net::response::text(failed ? 503 : 200, std::move(text)));
}

net::handler request_metrics::around(net::handler inner) {
  static auto& running = metrics::get_gauge("atrium_service_requests_running", "Requests that are being handled");
  return [this, inner = std::move(inner)](net::exchange& x) -> rt::task<void> {
    const auto begin = rt::clock::now();
    struct counted {
      counted() { running.add(1); }
      ~counted() { running.add(-1); }
    } one;
    if (x.request().headers.has_token("Upgrade", "websocket"))
      log::info("websocket requested", {{"path", x.request().path().substr(0, logged_path)}});
    std::exception_ptr failed;
    try {
      co_await inner(x);
    } catch (...) {
      failed = std::current_exception();
    }
    const unsigned status = x.responded() ? x.status() : failed ? http_status(error_of(failed).disposition()) : 500;
    const double seconds = std::chrono::duration<double>(rt::clock::now() - begin).count();
    if (worth_a_record(x.request(), status, seconds)) record_request(log::level::info, x.request(), status, seconds);
    note(x, status, seconds);
    if (failed) std::rethrow_exception(failed);
  };
}

void request_metrics::note(const net::exchange& x, unsigned status, double seconds) {
  const std::string& route = x.route().empty() ? "other" : x.route();
  auto& c = counters_[{route, status}];
  if (!c)
    c = &metrics::get_counter("atrium_service_requests_total", "Requests answered, by route and status",
                              {{"route", route}, {"status", std::to_string(status)}});
  c->add();
  if (status == 101) return;  // how long a WebSocket lives is not a response time
  auto& t = times_[route];
  if (!t)
    t = &metrics::get_histogram("atrium_service_request_seconds", "Time until a handler has answered",
                                {{"route", route}});
  t->observe(seconds);
}

}  // namespace atrium::service
