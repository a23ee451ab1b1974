#include <algorithm>

#include "apps/devcluster/api/rules.hpp"

namespace atrium::devcluster {

namespace {

void drop_nulls(json::value& value) {
  if (auto* object = value.if_object()) {
    for (auto at = object->begin(); at != object->end();) {
      if (at->value().is_null()) {
        at = object->erase(at);
      } else {
        drop_nulls(at->value());
        ++at;
      }
    }
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) drop_nulls(element);
  }
}

void fill(json::object& object, std::string_view key, json::value value) { object.emplace(key, std::move(value)); }

void default_probe(json::object& container, std::string_view which) {
  auto* probe = container.if_contains(which);
  if (!probe || !probe->is_object()) return;
  auto& p = probe->get_object();
  fill(p, "timeoutSeconds", 1);
  fill(p, "periodSeconds", 10);
  fill(p, "successThreshold", 1);
  fill(p, "failureThreshold", 3);
  if (auto* http = find(*probe, {"httpGet"}); http && http->is_object()) {
    fill(http->get_object(), "path", "/");
    fill(http->get_object(), "scheme", "HTTP");
  }
}

void default_container(json::value& value) {
  if (!value.is_object()) return;
  auto& container = value.get_object();
  const auto image = text_at(value, {"image"});
  const auto colon = image.rfind(':');
  const bool tagged = colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
  fill(container, "imagePullPolicy", !tagged || image.ends_with(":latest") ? "Always" : "IfNotPresent");
  fill(container, "terminationMessagePath", "/dev/termination-log");
  fill(container, "terminationMessagePolicy", "File");
  fill(container, "resources", json::object());
  for (const auto which : {"livenessProbe", "readinessProbe", "startupProbe"}) default_probe(container, which);
  if (auto* ports = container.if_contains("ports"); ports && ports->is_array())
    for (auto& port : ports->get_array())
      if (port.is_object()) fill(port.get_object(), "protocol", "TCP");
  // A limit without a request requests as much.
  if (const auto& limits = object_at(value, {"resources", "limits"}); !limits.empty()) {
    const json::object copied = limits;
    auto& requests = ensure_object(value, {"resources", "requests"});
    for (const auto& [name, amount] : copied) requests.emplace(name, amount);
  }
}

void default_toleration(json::object& spec, std::string_view key) {
  auto& list = spec["tolerations"];
  if (!list.is_array()) list.emplace_array();
  const bool has = std::any_of(list.get_array().begin(), list.get_array().end(), [&](const json::value& t) {
    const auto effect = text_at(t, {"effect"}), its_key = text_at(t, {"key"});
    return (effect.empty() || effect == "NoExecute") &&
           (its_key == key || (its_key.empty() && text_at(t, {"operator"}) == "Exists"));
  });
  if (!has)
    list.get_array().push_back(
        {{"key", key}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}});
}

void default_pod(json::value& pod) {
  auto& spec = ensure_object(pod, {"spec"});
  fill(spec, "restartPolicy", "Always");
  fill(spec, "terminationGracePeriodSeconds", 30);
  fill(spec, "dnsPolicy", "ClusterFirst");
  fill(spec, "schedulerName", "default-scheduler");
  fill(spec, "securityContext", json::object());
  fill(spec, "enableServiceLinks", true);
  fill(spec, "preemptionPolicy", "PreemptLowerPriority");
  fill(spec, "priority", 0);
  for (const auto which : {"containers", "initContainers"})
    if (auto* list = spec.if_contains(which); list && list->is_array())
      for (auto& container : list->get_array()) default_container(container);
  default_toleration(spec, "node.kubernetes.io/not-ready");
  default_toleration(spec, "node.kubernetes.io/unreachable");
  auto& status = ensure_object(pod, {"status"});
  fill(status, "phase", "Pending");
  if (!status.contains("qosClass")) {
    const auto qos = qos_class(pod);
    ensure_object(pod, {"status"})["qosClass"] = qos;
  }
}

void default_secret(json::value& secret) {
  if (const auto* plain = find(secret, {"stringData"}); plain && plain->is_object()) {
    const json::object texts = plain->get_object();
    auto& data = ensure_object(secret, {"data"});
    for (const auto& [key, text] : texts)
      if (text.is_string()) data[key] = k8s::encode_base64(as_view(text.get_string()));
    erase_at(secret, {"stringData"});
  }
  fill(ensure_object(secret, {}), "type", "Opaque");
}

}  // namespace

std::string_view qos_class(const json::value& pod) {
  bool any = false, all = true;
  for (const auto& container : array_at(pod, {"spec", "containers"}))
    for (const std::string_view resource : {"cpu", "memory"}) {
      const auto* limit = find(container, {"resources", "limits", resource});
      const auto* request = find(container, {"resources", "requests", resource});
      any = any || limit || request;
      all = all && limit && (!request || *request == *limit);
    }
  return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

void set_defaults(const resource_type& type, json::value& object) {
  drop_nulls(object);
  if (type.plural == "pods") default_pod(object);
  if (type.plural == "secrets") default_secret(object);
  if (type.plural == "nodes") ensure_object(object, {"spec"}), ensure_object(object, {"status"});
  if (type.plural == "namespaces") {
    const std::string name(text_at(object, {"metadata", "name"}));
    ensure_object(object, {"metadata", "labels"})["kubernetes.io/metadata.name"] = name;
    fill(ensure_object(object, {"spec"}), "finalizers", json::array{"kubernetes"});
    fill(ensure_object(object, {"status"}), "phase", "Active");
  }
}

}  // namespace atrium::devcluster
