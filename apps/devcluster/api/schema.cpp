#include "apps/devcluster/api/schema.hpp"

#include <algorithm>

namespace atrium::devcluster {

namespace {

/// text, whole number, boolean, number or text, map of texts, list of texts, anything, object or list of objects of a
/// shape.
enum class of : std::uint8_t { text, number, flag, either, texts, list, any, object, objects };

struct field {
  std::string_view name;
  of type;
  const std::vector<field>* shape = nullptr;
};
using shape = std::vector<field>;

const shape metadata = {{"name", of::text},
                        {"generateName", of::text},
                        {"namespace", of::text},
                        {"selfLink", of::text},
                        {"uid", of::text},
                        {"resourceVersion", of::text},
                        {"generation", of::number},
                        {"creationTimestamp", of::any},
                        {"deletionTimestamp", of::any},
                        {"deletionGracePeriodSeconds", of::number},
                        {"labels", of::texts},
                        {"annotations", of::texts},
                        {"ownerReferences", of::any},
                        {"finalizers", of::list},
                        {"managedFields", of::any}};

const shape key_selector = {{"name", of::text}, {"key", of::text}, {"optional", of::flag}};
const shape field_ref = {{"apiVersion", of::text}, {"fieldPath", of::text}};
const shape value_from = {{"fieldRef", of::object, &field_ref},
                          {"resourceFieldRef", of::any},
                          {"configMapKeyRef", of::object, &key_selector},
                          {"secretKeyRef", of::object, &key_selector}};
const shape env = {{"name", of::text}, {"value", of::text}, {"valueFrom", of::object, &value_from}};
const shape source_ref = {{"name", of::text}, {"optional", of::flag}};
const shape env_from = {
    {"prefix", of::text}, {"configMapRef", of::object, &source_ref}, {"secretRef", of::object, &source_ref}};
const shape http_header = {{"name", of::text}, {"value", of::text}};
const shape http_get = {{"path", of::text},
                        {"port", of::either},
                        {"host", of::text},
                        {"scheme", of::text},
                        {"httpHeaders", of::objects, &http_header}};
const shape exec_action = {{"command", of::list}};
const shape tcp_socket = {{"port", of::either}, {"host", of::text}};
const shape probe = {{"httpGet", of::object, &http_get},     {"exec", of::object, &exec_action},
                     {"tcpSocket", of::object, &tcp_socket}, {"grpc", of::any},
                     {"initialDelaySeconds", of::number},    {"timeoutSeconds", of::number},
                     {"periodSeconds", of::number},          {"successThreshold", of::number},
                     {"failureThreshold", of::number},       {"terminationGracePeriodSeconds", of::number}};
const shape handler = {{"exec", of::object, &exec_action},
                       {"httpGet", of::object, &http_get},
                       {"tcpSocket", of::object, &tcp_socket},
                       {"sleep", of::any}};
const shape lifecycle = {
    {"postStart", of::object, &handler}, {"preStop", of::object, &handler}, {"stopSignal", of::text}};
const shape port = {{"name", of::text},
                    {"containerPort", of::number},
                    {"hostPort", of::number},
                    {"hostIP", of::text},
                    {"protocol", of::text}};
const shape mount = {
    {"name", of::text},        {"mountPath", of::text},        {"readOnly", of::flag},         {"subPath", of::text},
    {"subPathExpr", of::text}, {"mountPropagation", of::text}, {"recursiveReadOnly", of::text}};
const shape resources = {{"limits", of::any}, {"requests", of::any}, {"claims", of::any}};
const shape container = {{"name", of::text},
                         {"image", of::text},
                         {"imagePullPolicy", of::text},
                         {"command", of::list},
                         {"args", of::list},
                         {"workingDir", of::text},
                         {"env", of::objects, &env},
                         {"envFrom", of::objects, &env_from},
                         {"ports", of::objects, &port},
                         {"resources", of::object, &resources},
                         {"resizePolicy", of::any},
                         {"restartPolicy", of::text},
                         {"volumeMounts", of::objects, &mount},
                         {"volumeDevices", of::any},
                         {"livenessProbe", of::object, &probe},
                         {"readinessProbe", of::object, &probe},
                         {"startupProbe", of::object, &probe},
                         {"lifecycle", of::object, &lifecycle},
                         {"securityContext", of::any},
                         {"stdin", of::flag},
                         {"stdinOnce", of::flag},
                         {"tty", of::flag},
                         {"terminationMessagePath", of::text},
                         {"terminationMessagePolicy", of::text}};
const shape host_path = {{"path", of::text}, {"type", of::text}};
const shape item = {{"key", of::text}, {"path", of::text}, {"mode", of::number}};
const shape config_volume = {
    {"name", of::text}, {"items", of::objects, &item}, {"defaultMode", of::number}, {"optional", of::flag}};
const shape secret_volume = {
    {"secretName", of::text}, {"items", of::objects, &item}, {"defaultMode", of::number}, {"optional", of::flag}};
const shape volume = {{"name", of::text},
                      {"hostPath", of::object, &host_path},
                      {"emptyDir", of::any},
                      {"configMap", of::object, &config_volume},
                      {"secret", of::object, &secret_volume},
                      {"persistentVolumeClaim", of::any},
                      {"projected", of::any},
                      {"downwardAPI", of::any},
                      {"nfs", of::any},
                      {"csi", of::any},
                      {"ephemeral", of::any},
                      {"image", of::any}};
const shape toleration = {{"key", of::text},
                          {"operator", of::text},
                          {"value", of::text},
                          {"effect", of::text},
                          {"tolerationSeconds", of::number}};
const shape pod_spec = {{"containers", of::objects, &container},
                        {"initContainers", of::objects, &container},
                        {"ephemeralContainers", of::any},
                        {"volumes", of::objects, &volume},
                        {"restartPolicy", of::text},
                        {"terminationGracePeriodSeconds", of::number},
                        {"activeDeadlineSeconds", of::number},
                        {"dnsPolicy", of::text},
                        {"dnsConfig", of::any},
                        {"nodeSelector", of::texts},
                        {"serviceAccountName", of::text},
                        {"serviceAccount", of::text},
                        {"automountServiceAccountToken", of::flag},
                        {"nodeName", of::text},
                        {"hostNetwork", of::flag},
                        {"hostPID", of::flag},
                        {"hostIPC", of::flag},
                        {"hostUsers", of::flag},
                        {"shareProcessNamespace", of::flag},
                        {"securityContext", of::any},
                        {"imagePullSecrets", of::any},
                        {"hostname", of::text},
                        {"subdomain", of::text},
                        {"setHostnameAsFQDN", of::flag},
                        {"affinity", of::any},
                        {"schedulerName", of::text},
                        {"tolerations", of::objects, &toleration},
                        {"hostAliases", of::any},
                        {"priorityClassName", of::text},
                        {"priority", of::number},
                        {"preemptionPolicy", of::text},
                        {"readinessGates", of::any},
                        {"runtimeClassName", of::text},
                        {"enableServiceLinks", of::flag},
                        {"overhead", of::any},
                        {"topologySpreadConstraints", of::any},
                        {"os", of::any},
                        {"schedulingGates", of::any},
                        {"resourceClaims", of::any},
                        {"resources", of::any}};
const shape taint = {{"key", of::text}, {"value", of::text}, {"effect", of::text}, {"timeAdded", of::any}};
const shape node_spec = {{"podCIDR", of::text},       {"podCIDRs", of::list},          {"providerID", of::text},
                         {"unschedulable", of::flag}, {"taints", of::objects, &taint}, {"configSource", of::any},
                         {"externalID", of::text}};
const shape lease_spec = {{"holderIdentity", of::text}, {"leaseDurationSeconds", of::number}, {"acquireTime", of::any},
                          {"renewTime", of::any},       {"leaseTransitions", of::number},     {"strategy", of::text},
                          {"preferredHolder", of::text}};

#define ATRIUM_OBJECT_HEAD \
  {"apiVersion", of::text}, {"kind", of::text}, { "metadata", of::object, &metadata }
const shape pod = {ATRIUM_OBJECT_HEAD, {"spec", of::object, &pod_spec}, {"status", of::any}};
const shape node = {ATRIUM_OBJECT_HEAD, {"spec", of::object, &node_spec}, {"status", of::any}};
const shape name_space = {ATRIUM_OBJECT_HEAD, {"spec", of::any}, {"status", of::any}};
const shape lease = {ATRIUM_OBJECT_HEAD, {"spec", of::object, &lease_spec}};
const shape config_map = {ATRIUM_OBJECT_HEAD, {"data", of::texts}, {"binaryData", of::texts}, {"immutable", of::flag}};
const shape secret = {
    ATRIUM_OBJECT_HEAD, {"data", of::texts}, {"stringData", of::texts}, {"type", of::text}, {"immutable", of::flag}};
const shape event = {ATRIUM_OBJECT_HEAD,
                     {"involvedObject", of::any},
                     {"reason", of::text},
                     {"message", of::text},
                     {"source", of::any},
                     {"firstTimestamp", of::any},
                     {"lastTimestamp", of::any},
                     {"count", of::number},
                     {"type", of::text},
                     {"eventTime", of::any},
                     {"series", of::any},
                     {"action", of::text},
                     {"related", of::any},
                     {"reportingComponent", of::text},
                     {"reportingInstance", of::text}};
#undef ATRIUM_OBJECT_HEAD

const shape& shape_of(const resource_type& type) noexcept {
  static constexpr std::pair<std::string_view, const shape*> shapes[] = {{"pods", &pod},
                                                                         {"nodes", &node},
                                                                         {"namespaces", &name_space},
                                                                         {"leases", &lease},
                                                                         {"configmaps", &config_map},
                                                                         {"secrets", &secret},
                                                                         {"events", &event}};
  for (const auto& [plural, found] : shapes)
    if (plural == type.plural) return *found;
  return name_space;
}

bool all_texts(const auto& values) noexcept {
  return std::all_of(values.begin(), values.end(), [](const json::value& v) { return v.is_string(); });
}

/// What is expected when `value` is not of `type`; empty when it is. null stands for "left out" everywhere.
std::string_view mismatch(of type, const json::value& value) noexcept {
  if (value.is_null()) return {};
  switch (type) {
    case of::text:
      return value.is_string() ? "" : "a string";
    case of::number:
      return value.is_int64() || value.is_uint64() ? "" : "a whole number";
    case of::flag:
      return value.is_bool() ? "" : "true or false";
    case of::either:
      return value.is_int64() || value.is_string() ? "" : "a whole number or a string";
    case of::texts: {
      if (!value.is_object()) return "an object with strings";
      for (const auto& [key, text] : value.get_object())
        if (!text.is_string() && !text.is_null()) return "an object with strings";
      return {};
    }
    case of::list:
      return value.is_array() && all_texts(value.get_array()) ? "" : "a list of strings";
    case of::object:
      return value.is_object() ? "" : "an object";
    case of::objects:
      return value.is_array() ? "" : "a list";
    case of::any:
      return {};
  }
  return {};
}

result<void> check(const shape& known, const json::value& value, const std::string& path,
                   std::vector<std::string>& unknown) {
  const auto* object = value.if_object();
  if (!object) return value.is_null() ? result<void>() : api_error("BadRequest", path + ": an object is expected.");
  for (const auto& [key, member] : *object) {
    const std::string below = (path.empty() ? "" : path + ".") + std::string(key);
    const auto at =
        std::find_if(known.begin(), known.end(), [&](const field& f) { return f.name == std::string_view(key); });
    if (at == known.end()) {
      unknown.push_back(below);
      continue;
    }
    if (const auto expected = mismatch(at->type, member); !expected.empty())
      return api_error("BadRequest", below + ": " + std::string(expected) + " is expected.");
    if (!at->shape || member.is_null()) continue;
    if (at->type == of::object) {
      if (auto done = check(*at->shape, member, below, unknown); !done) return done;
      continue;
    }
    const auto& list = member.get_array();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string element = below + "[" + std::to_string(i) + "]";
      if (!list[i].is_object()) return api_error("BadRequest", element + ": an object is expected.");
      if (auto done = check(*at->shape, list[i], element, unknown); !done) return done;
    }
  }
  return {};
}

}  // namespace

result<std::vector<std::string>> check_fields(const resource_type& type, const json::value& object) {
  std::vector<std::string> unknown;
  if (auto done = check(shape_of(type), object, "", unknown); !done) return done.error();
  return unknown;
}

}  // namespace atrium::devcluster
