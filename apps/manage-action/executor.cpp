#include "apps/manage-action/executor.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "apps/domain/project_pod.hpp"
#include "apps/manage-action/judgement.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/backoff.hpp"

namespace atrium::manage_action {

namespace {

using domain::action_name;
using domain::state_name;

rt::time_point loop_now() { return rt::loop::current().now(); }
long long milliseconds_since(rt::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(rt::clock::now() - begin).count();
}

void count(action_name action, bool good) {
  metrics::get_counter("atrium_manage_action_requests_total", "Requests of people that were carried out",
                       {{"action", domain::to_string(action)}, {"outcome", good ? "done" : "failed"}})
      .add();
}

rt::task<void> give_claim_back(store::project_actions& actions, domain::project_id id, std::int64_t fence) {
  try {
    co_await rt::with_timeout(std::chrono::seconds(2), actions.release(id, fence));
  } catch (const failure& f) {
    log::info("claim was not given back and will expire", {{"project", id.view()}, {"error", f.error()}});
  }
}

}  // namespace

rt::task<void> executor::carry_out(store::claimed_action a) {
  std::string err;
  std::optional<domain::run_quota> quota;
  bool cancelled = false;
  try {
    quota = co_await act(a);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) {
      cancelled = true;
    } else if (f.error().code().starts_with("pg.")) {
      throw;
    } else {
      err = sentence_for_people(f.error(), a.request.action);
      log::warn(
          "request failed",
          {{"project", a.project_id.view()}, {"action", domain::to_string(a.request.action)}, {"error", f.error()}});
    }
  }
  if (cancelled) {
    co_await rt::shield(give_claim_back(actions_, a.project_id, a.fence));
    fail(disposition::cancelled, "The request was given back.");
  }
  count(a.request.action, err.empty());
  if (!co_await actions_.finish(a.project_id, a.fence, err, quota))
    log::info("request was overtaken", {{"project", a.project_id.view()}, {"fence", a.fence}});
}

/// The quota of the pod when one was made.
rt::task<std::optional<domain::run_quota>> executor::act(const store::claimed_action& a) {
  if (a.request.action == action_name::stop) {
    co_await stop(a);
    co_return std::nullopt;
  }
  if (a.deleted) fail(disposition::conflict, "The project is deleted. Undelete it, then start it.");
  if (a.request.action == action_name::restart) {
    bool made = false;
    co_await with_retries([&]() -> rt::task<void> { made = co_await has_new_pod(a); });
    if (!made) {
      co_await write_state(a, state_name::stopping, {state_name::running, state_name::starting, state_name::pending});
      co_await with_retries([&]() -> rt::task<void> { co_await remove_pod(a.project_id); });
      co_await write_state(a, state_name::starting,
                           {state_name::stopping, state_name::opened, state_name::closed, state_name::archived});
    }
  }
  co_return co_await start(a);
}

/// Whether a predecessor that died over this restart had made the new pod: people may be at work in it already.
rt::task<bool> executor::has_new_pod(const store::claimed_action& a) {
  const auto& ns = domain::pod_namespace(options_.namespaces, a.project_id);
  try {
    const auto pod = k8s::parse_pod(co_await api_.get(k8s::resources::pods, ns, domain::pod_name(a.project_id)));
    const auto requested = pod.meta.annotations.find(domain::requested_annotation);
    co_return !pod.meta.deleted && requested != pod.meta.annotations.end() &&
        requested->second == domain::to_iso8601(a.request.time);
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found) throw;
  }
  co_return false;
}

rt::task<void> executor::write_state(const store::claimed_action& a, state_name state,
                                     std::vector<state_name> only_from, std::string ip) {
  store::state_update u{.project_id = a.project_id,
                        .state = domain::project_state{.state = state, .time = domain::now(), .ip = std::move(ip)},
                        .only_from = std::move(only_from),
                        .fence = a.fence};
  co_await actions_.set_states({&u, 1});
}

/// Site defaults change rarely and every start needs them.
rt::task<domain::default_quotas> executor::quotas() {
  const auto now = loop_now();
  if (!quotas_ || now - quotas_read_ > std::chrono::seconds(10)) {
    quotas_ = co_await settings_.default_quotas();
    quotas_read_ = now;
  }
  co_return *quotas_;
}

boost::json::value executor::make_pod(const store::claimed_action& a, const domain::run_quota& quota) const {
  const auto image = choose_image(site_.images(), a.compute_image);
  auto pod = build_pod(site_.pod_template().value(), image,
                       {.project = a.project_id,
                        .name_space = domain::pod_namespace(options_.namespaces, a.project_id),
                        .secret_token = a.secret_token,
                        .env_json = a.env,
                        .compute_image = a.compute_image,
                        .project_tag = options_.project_tag.empty() ? tag_label(image) : options_.project_tag,
                        .quota = quota,
                        .fence = a.fence,
                        .requested = domain::to_iso8601(a.request.time),
                        .traced = a.request.trace});
  return std::move(pod).value();
}

rt::task<domain::run_quota> executor::start(const store::claimed_action& a) {
  co_await site_.wait_synced();
  const auto quota = domain::compute_run_quota(co_await quotas(), a.settings);
  const auto pod = make_pod(a, quota);
  const auto begin = loop_now();
  std::optional<k8s::pod> old;
  co_await with_retries([&]() -> rt::task<void> { old = co_await ensure_pod(a.project_id, pod); });
  log::info("pod created", {{"project", a.project_id.view()}, {"ms", milliseconds_since(begin)}});
  // Nothing happens to a pod that was ready before: manage-state would find it when it compares all.
  if (old && old->is_condition("Ready") && !old->pod_ip.empty())
    co_await write_state(a, state_name::running, {state_name::starting}, old->pod_ip);
  co_return quota;
}

/// One POST when nothing is in the way. Otherwise an old pod is waited out, or is the one that we want (and given).
rt::task<std::optional<k8s::pod>> executor::ensure_pod(domain::project_id id, const boost::json::value& pod) {
  const auto& ns = domain::pod_namespace(options_.namespaces, id);
  const auto give_up = loop_now() + options_.vanish_limit;
  for (;;) {
    bool exists = false;
    try {
      co_await api_.create(k8s::resources::pods, ns, pod);
    } catch (const failure& f) {
      if (f.error().code() != k8s::code_exists) throw;
      exists = true;
    }
    if (!exists) co_return std::nullopt;
    if (auto old = co_await usable_old_pod(id)) co_return old;
    if (loop_now() > give_up)
      fail(disposition::conflict,
           "The project could not be started because its last run does not end. Try again in some minutes; if it stays "
           "so, tell an administrator.");
    co_await rt::sleep_for(std::chrono::milliseconds(200));
  }
}

/// Nothing: it is going, or was told to; try again.
rt::task<std::optional<k8s::pod>> executor::usable_old_pod(domain::project_id id) {
  const auto& ns = domain::pod_namespace(options_.namespaces, id);
  k8s::pod old;
  try {
    old = k8s::parse_pod(co_await api_.get(k8s::resources::pods, ns, domain::pod_name(id)));
  } catch (const failure& f) {
    if (f.disposition() == disposition::not_found) co_return std::nullopt;
    throw;
  }
  if (old.meta.deleted) co_return std::nullopt;
  if (old.phase != "Failed" && old.phase != "Succeeded") co_return old;
  try {
    co_await api_.remove(k8s::resources::pods, ns, domain::pod_name(id),
                         {.grace = std::chrono::seconds(0), .uid = old.meta.uid});
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found && f.disposition() != disposition::conflict) throw;
  }
  co_return std::nullopt;
}

rt::task<void> executor::stop(const store::claimed_action& a) {
  co_await write_state(a, state_name::stopping, {state_name::running, state_name::starting, state_name::pending});
  bool found = false;
  co_await with_retries([&]() -> rt::task<void> { found = co_await remove_pod(a.project_id); });
  // When there was a pod, its end is manage-state's to see.
  if (!found) co_await write_state(a, state_name::opened, {state_name::stopping});
}

/// Deletes the pod with its own grace period. False when there is none. It says which pod it means: what a worker sent
/// before it was killed may arrive when its successor has made a new one.
rt::task<bool> executor::remove_pod(domain::project_id id) {
  // The list of namespaces may have changed since the pod was made.
  std::vector<std::string> places = options_.namespaces;
  const auto& home = domain::pod_namespace(options_.namespaces, id);
  std::iter_swap(places.begin(), std::find(places.begin(), places.end(), home));
  for (const auto& ns : places) {
    try {
      const auto pod = k8s::parse_pod(co_await api_.get(k8s::resources::pods, ns, domain::pod_name(id)));
      co_await api_.remove(k8s::resources::pods, ns, domain::pod_name(id), {.uid = pod.meta.uid});
      co_return true;
    } catch (const failure& f) {
      // Another one between the two is not of the run that is to end.
      if (f.disposition() == disposition::conflict) co_return true;
      if (f.disposition() != disposition::not_found) throw;
    }
  }
  co_return false;
}

template <class F>
rt::task<void> executor::with_retries(F attempt) {
  rt::backoff pause({.first = std::chrono::milliseconds(250), .longest = std::chrono::seconds(2), .jitter = 0.5});
  const auto began = loop_now();
  for (;;) {
    rt::duration wait{};
    try {
      co_return co_await attempt();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled || f.error().code().starts_with("pg.")) throw;
      wait = pause.next(loop_now());
      if (loop_now() + wait > began + worth_repeating(f.error(), options_.retry_limit)) throw;
      log::warn("cluster call failed, will be repeated", {{"error", f.error()}});
    }
    co_await rt::sleep_for(wait);
  }
}

}  // namespace atrium::manage_action
