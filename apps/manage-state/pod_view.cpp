#include "apps/manage-state/pod_view.hpp"

#include <boost/json.hpp>
#include <charconv>

#include "apps/domain/project_pod.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/k8s/objects.hpp"

namespace atrium::manage_state {

namespace {

std::optional<domain::timestamp> millis(const std::optional<k8s::wall_time>& t) {
  if (!t) return std::nullopt;
  return std::chrono::floor<std::chrono::milliseconds>(*t);
}

std::string secret_of(const boost::json::value& pod) {
  const auto* containers = k8s::find(pod, {"spec", "containers"});
  if (!containers || !containers->is_array()) return {};
  for (const auto& c : containers->get_array()) {
    const auto* env = k8s::find(c, {"env"});
    if (!env || !env->is_array()) continue;
    for (const auto& e : env->get_array())
      if (k8s::text_at(e, {"name"}) == domain::secret_variable) return k8s::text_at(e, {"value"});
  }
  return {};
}

const k8s::container_status* project_status(const k8s::pod& p) {
  for (const auto& c : p.containers)
    if (c.name == domain::project_container) return &c;
  return nullptr;
}

/// A container or an init container that keeps the pod from starting counts like the project's own.
const k8s::container_status* telling_status(const k8s::pod& p) {
  using kind = k8s::container_state::kind;
  for (const auto* list : {&p.init_containers, &p.containers})
    for (const auto& c : *list) {
      const bool stuck = c.state.what == kind::waiting && !c.state.reason.empty() &&
                         c.state.reason != "ContainerCreating" && c.state.reason != "PodInitializing";
      if (stuck) return &c;
    }
  return project_status(p);
}

}  // namespace

std::optional<pod_view> view_of(const boost::json::value& object) {
  const auto p = k8s::parse_pod(object);
  const auto project = domain::project_of_pod(p.meta.name);
  if (!project) return std::nullopt;
  pod_view v;
  v.project = *project;
  v.ns = p.meta.ns;
  v.uid = p.meta.uid;
  v.waiting_since = millis(p.meta.created);
  v.ip = p.pod_ip;
  v.node = p.node_name;
  v.secret = secret_of(object);
  if (auto at = p.meta.annotations.find(domain::fence_annotation); at != p.meta.annotations.end())
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), v.fence);
  if (auto at = p.meta.annotations.find(domain::trace_annotation); at != p.meta.annotations.end())
    v.traced = trace::parse(at->second);
  v.terminating = p.meta.deleted.has_value();
  v.over = p.phase == "Failed" || p.phase == "Succeeded";
  v.pod_reason = p.reason;
  if (const auto* c = p.find_condition("PodScheduled")) {
    if (c->status) v.scheduled = millis(c->changed);
    v.unschedulable = !c->status && c->reason == "Unschedulable";
    if (v.unschedulable) v.no_room = c->message;
    v.waiting_since = std::max(v.waiting_since, millis(c->changed));
  }
  if (const auto* c = p.find_condition("Ready")) {
    v.ready = c->status && !p.pod_ip.empty();
    if (c->status) v.became_ready = millis(c->changed);
    v.waiting_since = std::max(v.waiting_since, millis(c->changed));
  }
  for (const auto& c : p.containers)
    if (c.name != domain::project_container && !c.ready) v.others_ready = false;
  if (const auto* own = project_status(p)) {
    if (own->state.what == k8s::container_state::kind::running) v.started = millis(own->state.started);
    v.image_here = own->state.what == k8s::container_state::kind::waiting && !own->image_id.empty();
  }
  if (const auto* c = telling_status(p)) {
    switch (c->state.what) {
      case k8s::container_state::kind::waiting:
        v.state = pod_view::container::waiting;
        break;
      case k8s::container_state::kind::running:
        v.state = pod_view::container::running;
        break;
      case k8s::container_state::kind::terminated:
        v.state = pod_view::container::terminated;
        break;
      default:
        break;
    }
    v.container_reason = c->state.reason;
    v.exit_code = c->state.exit_code;
    v.restarts = c->restarts;
    v.last_reason = c->last_state.reason;
    v.last_exit_code = c->last_state.exit_code;
    v.last_finished = millis(c->last_state.finished);
  }
  return v;
}

}  // namespace atrium::manage_state
