#include "atrium/k8s/election.hpp"

#include <boost/json.hpp>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::k8s {

namespace {

struct contest {
  client& api;
  election_options options;
  election_machine machine;
};

rt::time_point loop_now() { return rt::loop::current().now(); }

/// One look at the Lease and at most one write. Gives how long to wait before the next one.
rt::task<rt::duration> attempt(contest& c) {
  const auto& o = c.options;
  std::optional<lease> seen;
  try {
    seen = parse_lease(co_await c.api.get(resources::leases, o.ns, o.name));
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found) throw;
  }
  const auto sent_at = loop_now();
  auto step = c.machine.look(sent_at, rt::wall_now(), seen);
  if (step.what == election_machine::step::kind::wait) co_return step.wait;
  try {
    boost::json::value answer;
    if (step.what == election_machine::step::kind::create)
      answer = co_await c.api.create(resources::leases, o.ns, to_json(step.write));
    else answer = co_await c.api.replace(resources::leases, o.ns, o.name, to_json(step.write));
    c.machine.wrote(sent_at, parse_lease(answer));
  } catch (const failure& f) {
    // Somebody was faster; the next look shows who.
    if (f.disposition() != disposition::conflict) throw;
  }
  co_return step.wait;
}

/// attempt() that survives an unreachable API.
rt::task<rt::duration> try_attempt(contest& c, rt::duration limit) {
  try {
    co_return co_await rt::with_timeout(limit, attempt(c));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::warn("lease could not be read or written", {{"lease", c.options.name}, {"error", f.error()}});
  }
  co_return c.options.retry_period;
}

rt::task<void> renew(contest& c, rt::scope& leader) {
  for (;;) {
    co_await rt::sleep_for(c.options.retry_period);
    const auto now = loop_now();
    if (c.machine.leading(now)) co_await try_attempt(c, c.machine.valid_until() - now);
    if (c.machine.leading(loop_now())) continue;
    log::warn("leadership lost", {{"lease", c.options.name}, {"identity", c.options.identity}});
    leader.cancel(rt::cancel_reason::revoked);
    co_return;
  }
}

rt::task<void> run_leader(std::function<rt::task<void>(std::int64_t)>& lead, std::int64_t token, rt::scope& s,
                          bool& ended) {
  co_await lead(token);
  ended = true;
  s.cancel(rt::cancel_reason::requested);
}

rt::task<void> give_back(contest& c) {
  const auto mine = c.machine.release(rt::wall_now());
  c.machine.lost();
  if (!mine) co_return;
  try {
    co_await rt::with_timeout(std::chrono::seconds(3), [](contest& k, boost::json::value l) -> rt::task<void> {
      co_await k.api.replace(resources::leases, k.options.ns, k.options.name, std::move(l));
    }(c, to_json(*mine)));
  } catch (const failure& f) {
    log::info("lease was not given back and will expire", {{"lease", c.options.name}, {"error", f.error()}});
  }
}

}  // namespace

rt::task<void> run_elected(client& api, election_options options, std::function<rt::task<void>(std::int64_t)> lead) {
  contest c{api, options, election_machine(options)};
  auto& leading =
      metrics::get_gauge("atrium_k8s_leading", "1 while this process holds the lease", {{"lease", options.name}});
  for (;;) {
    while (!c.machine.leading(loop_now())) {
      const auto wait = co_await try_attempt(c, options.renew_deadline);
      if (!c.machine.leading(loop_now())) co_await rt::sleep_for(wait);
    }
    log::info("leading", {{"lease", options.name}, {"identity", options.identity}, {"token", *c.machine.token()}});
    leading.set(1);
    std::exception_ptr failed;
    bool ended = false;
    rt::scope s(&co_await rt::this_task());
    s.spawn(run_leader(lead, *c.machine.token(), s, ended), "leader");
    s.spawn(renew(c, s), "renew lease");
    try {
      co_await s.join();
    } catch (...) {
      failed = std::current_exception();
    }
    leading.set(0);
    co_await rt::shield(give_back(c));
    if (failed) std::rethrow_exception(failed);
    if (ended) co_return;
  }
}

}  // namespace atrium::k8s
