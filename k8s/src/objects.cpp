#include "atrium/k8s/objects.hpp"

#include <boost/json.hpp>

#include "atrium/k8s/json.hpp"
#include "atrium/k8s/resource.hpp"

namespace atrium::k8s {

namespace json = boost::json;

namespace {

string_map map_at(const json::value& root, path_keys keys) {
  string_map out;
  const auto* at = find(root, keys);
  const auto* object = at ? at->if_object() : nullptr;
  if (!object) return out;
  for (const auto& item : *object)
    if (const auto* text = item.value().if_string()) out.emplace(item.key(), std::string(text->data(), text->size()));
  return out;
}

std::optional<wall_time> time_at(const json::value& root, path_keys keys) { return parse_time(text_at(root, keys)); }

template <class F>
void each_at(const json::value& root, path_keys keys, F f) {
  const auto* at = find(root, keys);
  const auto* items = at ? at->if_array() : nullptr;
  if (!items) return;
  for (const auto& item : *items) f(item);
}

container_state parse_state(const json::value* value) {
  container_state out;
  if (!value) return out;
  using kind = container_state::kind;
  const json::value* inner = nullptr;
  if ((inner = find(*value, {"running"})) && inner->is_object()) {
    out.what = kind::running;
  } else if ((inner = find(*value, {"terminated"})) && inner->is_object()) {
    out.what = kind::terminated;
  } else if ((inner = find(*value, {"waiting"})) && inner->is_object()) {
    out.what = kind::waiting;
  } else {
    return out;
  }
  out.reason = text_at(*inner, {"reason"});
  out.message = text_at(*inner, {"message"});
  out.exit_code = static_cast<int>(integer_at(*inner, {"exitCode"}));
  out.signal = static_cast<int>(integer_at(*inner, {"signal"}));
  out.started = time_at(*inner, {"startedAt"});
  out.finished = time_at(*inner, {"finishedAt"});
  return out;
}

std::vector<container_status> containers_at(const json::value& root, path_keys keys) {
  std::vector<container_status> out;
  each_at(root, keys, [&](const json::value& item) {
    container_status c;
    c.name = text_at(item, {"name"});
    c.image = text_at(item, {"image"});
    c.image_id = text_at(item, {"imageID"});
    c.ready = boolean_at(item, {"ready"});
    c.restarts = static_cast<int>(integer_at(item, {"restartCount"}));
    c.state = parse_state(find(item, {"state"}));
    c.last_state = parse_state(find(item, {"lastState"}));
    out.push_back(std::move(c));
  });
  return out;
}

std::vector<condition> conditions_at(const json::value& root) {
  std::vector<condition> out;
  each_at(root, {"status", "conditions"}, [&](const json::value& item) {
    out.push_back({text_at(item, {"type"}), text_at(item, {"reason"}), text_at(item, {"message"}),
                   text_at(item, {"status"}) == "True", time_at(item, {"lastTransitionTime"})});
  });
  return out;
}

}  // namespace

object_meta parse_meta(const json::value& object) {
  object_meta m;
  m.name = text_at(object, {"metadata", "name"});
  m.ns = text_at(object, {"metadata", "namespace"});
  m.uid = text_at(object, {"metadata", "uid"});
  m.resource_version = text_at(object, {"metadata", "resourceVersion"});
  m.labels = map_at(object, {"metadata", "labels"});
  m.annotations = map_at(object, {"metadata", "annotations"});
  m.created = time_at(object, {"metadata", "creationTimestamp"});
  m.deleted = time_at(object, {"metadata", "deletionTimestamp"});
  return m;
}

const condition* pod::find_condition(std::string_view type) const noexcept {
  for (const auto& c : conditions)
    if (c.type == type) return &c;
  return nullptr;
}

bool pod::is_condition(std::string_view type) const noexcept {
  const auto* c = find_condition(type);
  return c && c->status;
}

pod parse_pod(const json::value& object) {
  pod p;
  p.meta = parse_meta(object);
  p.node_name = text_at(object, {"spec", "nodeName"});
  p.phase = text_at(object, {"status", "phase"});
  p.reason = text_at(object, {"status", "reason"});
  p.message = text_at(object, {"status", "message"});
  p.pod_ip = text_at(object, {"status", "podIP"});
  p.host_ip = text_at(object, {"status", "hostIP"});
  p.start_time = time_at(object, {"status", "startTime"});
  p.conditions = conditions_at(object);
  p.containers = containers_at(object, {"status", "containerStatuses"});
  p.init_containers = containers_at(object, {"status", "initContainerStatuses"});
  return p;
}

configmap parse_configmap(const json::value& object) { return {parse_meta(object), map_at(object, {"data"})}; }

secret parse_secret(const json::value& object) {
  secret s{parse_meta(object), text_at(object, {"type"}), {}};
  for (const auto& [key, encoded] : map_at(object, {"data"}))
    if (auto plain = decode_base64(encoded)) s.data.emplace(key, std::move(*plain));
  return s;
}

node parse_node(const json::value& object) {
  node n;
  n.meta = parse_meta(object);
  n.unschedulable = boolean_at(object, {"spec", "unschedulable"});
  each_at(object, {"spec", "taints"}, [&](const json::value& t) {
    n.taints.push_back({text_at(t, {"key"}), text_at(t, {"value"}), text_at(t, {"effect"})});
  });
  n.allocatable = map_at(object, {"status", "allocatable"});
  for (const auto& c : conditions_at(object))
    if (c.type == "Ready") n.ready = c.status;
  each_at(object, {"status", "addresses"}, [&](const json::value& a) {
    if (text_at(a, {"type"}) == "InternalIP") n.internal_ip = text_at(a, {"address"});
  });
  return n;
}

event parse_event(const json::value& object) {
  event e;
  e.meta = parse_meta(object);
  e.type = text_at(object, {"type"});
  e.reason = text_at(object, {"reason"});
  e.message = text_at(object, {"message"});
  e.about_kind = text_at(object, {"involvedObject", "kind"});
  e.about_ns = text_at(object, {"involvedObject", "namespace"});
  e.about_name = text_at(object, {"involvedObject", "name"});
  e.about_uid = text_at(object, {"involvedObject", "uid"});
  e.count = static_cast<int>(integer_at(object, {"count"}, 1));
  e.last_seen = time_at(object, {"lastTimestamp"});
  if (!e.last_seen) e.last_seen = time_at(object, {"eventTime"});
  return e;
}

lease parse_lease(const json::value& object) {
  lease l;
  l.meta = parse_meta(object);
  l.holder = text_at(object, {"spec", "holderIdentity"});
  l.duration_seconds = static_cast<int>(integer_at(object, {"spec", "leaseDurationSeconds"}));
  l.transitions = integer_at(object, {"spec", "leaseTransitions"});
  l.acquired = time_at(object, {"spec", "acquireTime"});
  l.renewed = time_at(object, {"spec", "renewTime"});
  return l;
}

json::value to_json(const lease& l) {
  json::object meta{{"name", l.meta.name}, {"namespace", l.meta.ns}};
  if (!l.meta.resource_version.empty()) meta["resourceVersion"] = l.meta.resource_version;
  json::object spec{
      {"holderIdentity", l.holder}, {"leaseDurationSeconds", l.duration_seconds}, {"leaseTransitions", l.transitions}};
  if (l.acquired) spec["acquireTime"] = format_micros(*l.acquired);
  if (l.renewed) spec["renewTime"] = format_micros(*l.renewed);
  return json::object{{"apiVersion", resources::leases.api_version()},
                      {"kind", "Lease"},
                      {"metadata", std::move(meta)},
                      {"spec", std::move(spec)}};
}

}  // namespace atrium::k8s
