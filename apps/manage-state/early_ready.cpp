#include "apps/manage-state/early_ready.hpp"

#include "apps/domain/project_pod.hpp"
#include "atrium/rt/backoff.hpp"

namespace atrium::manage_state {

namespace {

using namespace std::chrono_literals;

constexpr rt::backoff_options pauses{.first = 5ms, .longest = 1s, .jitter = 0};

net::client_options client_options() {
  net::client_options o;
  o.idle_per_origin = 0;
  o.connect_timeout = 1s;
  o.response_timeout = 1s;
  return o;
}

}  // namespace

early_ready::early_ready(const pod_cache& pods, std::function<void(domain::project_id)> found)
    : pods_(pods), found_(std::move(found)), http_(client_options()) {}

bool early_ready::is_awaited(const pod_view& p) noexcept {
  const bool runs = p.state == pod_view::container::running && !p.terminating && !p.over && !p.ip.empty();
  return runs && p.others_ready && !p.ready;
}

void early_ready::look(rt::scope& tasks, const pod_view& p) {
  if (!is_awaited(p)) return forget(p.project);
  auto& last = asked_[p.project];
  if (last.is_about(p)) return;
  last = {p.uid, p.restarts};
  tasks.spawn(ask(p.project, last), "ask whether it is ready");
}

bool early_ready::answers(const pod_view& p) const {
  const auto at = asked_.find(p.project);
  return at != asked_.end() && at->second.answered && at->second.is_about(p) && is_awaited(p);
}

rt::task<void> early_ready::ask(domain::project_id id, question about) {
  rt::backoff pause(pauses);
  for (;;) {
    const auto* p = pods_.find(id);
    if (!p || !about.is_about(*p) || !is_awaited(*p)) co_return;
    if (co_await answers_at(p->ip)) break;
    co_await rt::sleep_for(pause.next(rt::loop::current().now()));
  }
  const auto* p = pods_.find(id);  // it may have become another one while it answered
  const auto at = asked_.find(id);
  if (!p || at == asked_.end() || !about.is_about(*p) || !at->second.is_about(*p)) co_return;
  at->second.answered = true;
  found_(id);
}

rt::task<bool> early_ready::answers_at(std::string ip) {
  try {
    const net::origin at{.host = std::move(ip), .port = domain::browser_port};
    const auto answer = co_await rt::with_timeout(2s, http_.fetch(at, {.target = "/ready"}, {}, 1024));
    co_return answer.status == 200;
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
  co_return false;
}

}  // namespace atrium::manage_state
