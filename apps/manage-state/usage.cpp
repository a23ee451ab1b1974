#include "apps/manage-state/usage.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "apps/domain/project_pod.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::manage_state {

namespace {

constexpr unsigned at_once = 32;

net::client_options client_options() {
  net::client_options o;
  o.idle_per_origin = 0;  // asked every half minute, of thousands of addresses: not worth keeping
  o.connect_timeout = std::chrono::seconds(2);
  o.response_timeout = std::chrono::seconds(5);
  return o;
}

}  // namespace

result<project_report> parse_report(std::string_view text, domain::timestamp now) {
  auto json = k8s::parse_json(text);
  if (!json) return std::move(json).error();
  project_report r;
  r.memory_bytes = std::max<std::int64_t>(0, k8s::integer_at(*json, {"memory_bytes"}));
  if (const auto* cpu = k8s::find(*json, {"cpu_seconds"})) {
    boost::system::error_code failed;
    const double seconds = cpu->is_number() ? cpu->to_number<double>(failed) : 0;
    if (!failed && std::isfinite(seconds) && seconds > 0) r.cpu_seconds = seconds;
  }
  // The project is its people's: a time in the future would keep it alive for ever.
  const auto said = domain::timestamp(
      std::chrono::milliseconds(std::max<std::int64_t>(0, k8s::integer_at(*json, {"last_activity"}))));
  r.last_activity = std::min(said, now);
  return r;
}

usage_poller::usage_poller(pod_cache& pods, store::project_usage& usage, rt::duration interval)
    : pods_(pods), usage_(usage), interval_(interval), http_(client_options()) {}

rt::task<void> usage_poller::run() {
  for (;;) {
    co_await rt::sleep_for(interval_);
    try {
      co_await poll_all();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("usage could not be written", {{"error", f.error()}});
    }
  }
}

rt::task<void> usage_poller::poll_all() {
  std::vector<target> waiting;
  pods_.for_each([&](const pod_view& p) {
    if (p.ready && !p.terminating && !p.secret.empty()) waiting.push_back({p.project, p.ip, p.secret});
  });
  std::vector<store::usage> reports;
  rt::scope s(&co_await rt::this_task());
  for (unsigned i = 0; i < at_once && i < waiting.size(); ++i) s.spawn(ask_some(waiting, reports), "ask projects");
  co_await s.join();
  std::erase_if(reports, [this](const store::usage& u) { return !worth_writing(u); });
  co_await usage_.record(reports);
  for (const auto& u : reports) written_[u.project_id] = u;
  std::erase_if(written_, [this](const auto& w) { return !pods_.find(w.first); });
}

rt::task<void> usage_poller::ask_some(std::vector<target>& waiting, std::vector<store::usage>& into) {
  while (!waiting.empty()) {
    const target t = std::move(waiting.back());
    waiting.pop_back();
    co_await ask(t, into);
  }
}

rt::task<void> usage_poller::ask(const target& t, std::vector<store::usage>& into) {
  static auto& failures =
      metrics::get_counter("atrium_manage_state_status_failures_total", "Projects that did not tell their status");
  try {
    net::request head{.target = "/status"};
    head.headers.add("Authorization", "Bearer " + t.secret);
    const net::origin at{.host = t.ip, .port = domain::hub_port};
    const auto answer =
        co_await rt::with_timeout(std::chrono::seconds(8), http_.fetch(at, std::move(head), {}, 64 * 1024));
    if (answer.status != 200) fail(disposition::failed, "The project's server did not answer with its status.");
    const auto report = parse_report(answer.body, domain::now()).value();
    into.push_back({t.project, report.memory_bytes, report.cpu_seconds, report.last_activity});
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    failures.add();
    log::debug("project did not tell its status", {{"project", t.project.view()}, {"error", f.error()}});
  }
}

/// Every write travels to everybody's browsers, so small changes are left out.
bool usage_poller::worth_writing(const store::usage& u) {
  const auto at = written_.find(u.project_id);
  if (at == written_.end()) return true;
  const auto& w = at->second;
  return std::abs(double(u.memory_bytes - w.memory_bytes)) > 0.05 * double(w.memory_bytes) ||
         std::abs(u.cpu_seconds - w.cpu_seconds) >= 1 || u.last_activity - w.last_activity >= std::chrono::seconds(30);
}

}  // namespace atrium::manage_state
