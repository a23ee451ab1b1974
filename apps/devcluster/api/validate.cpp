#include <algorithm>
#include <set>

#include "apps/devcluster/api/rules.hpp"

namespace atrium::devcluster {

namespace {

class violations {
 public:
  explicit violations(const json::value& object, const resource_type& type) : object_(object), type_(type) {}
  void add(const std::string& field, std::string_view what) {
    if (!text_.empty()) text_ += ", ";
    text_ += field + ": " + std::string(what);
    ++count_;
  }
  void required(const std::string& field) { add(field, "Required value"); }
  void check(bool ok, const std::string& field, std::string_view what) {
    if (!ok) add(field, what);
  }
  result<void> done() const {
    if (count_ == 0) return {};
    return api_error("Invalid", std::string(type_.kind) + " \"" + std::string(text_at(object_, {"metadata", "name"})) +
                                    "\" is invalid: " + (count_ > 1 ? "[" + text_ + "]" : text_));
  }

 private:
  const json::value& object_;
  const resource_type& type_;
  std::string text_;
  int count_ = 0;
};

constexpr std::string_view label_rule =
    "Invalid value: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'";

bool qualified_name(std::string_view key) noexcept {
  if (const auto slash = key.find('/'); slash != std::string_view::npos) {
    if (!dns_subdomain(key.substr(0, slash))) return false;
    key.remove_prefix(slash + 1);
  }
  const auto plain = [](unsigned char c) { return std::isalnum(c); };
  return !key.empty() && key.size() <= 63 && plain(static_cast<unsigned char>(key.front())) &&
         plain(static_cast<unsigned char>(key.back())) && std::all_of(key.begin(), key.end(), [&](unsigned char c) {
           return plain(c) || c == '-' || c == '_' || c == '.';
         });
}

void check_metadata(const resource_type& type, const json::value& object, violations& out) {
  const auto name = text_at(object, {"metadata", "name"});
  const bool label_only = type.plural == "namespaces";
  out.check(label_only ? dns_label(name) : dns_subdomain(name), "metadata.name",
            "Invalid value: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
            "'.', and must "
            "start and end with an alphanumeric character");
  for (const auto& [key, value] : object_at(object, {"metadata", "labels"})) {
    const auto* text = value.if_string();
    out.check(qualified_name(std::string_view(key)) && text && (text->empty() || qualified_name(as_view(*text))) &&
                  text->find('/') == json::string::npos,
              "metadata.labels", "Invalid value: '" + std::string(key) + "' with its value is not a valid label");
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : object_at(object, {"metadata", "annotations"})) {
    out.check(qualified_name(std::string_view(key)), "metadata.annotations",
              "Invalid value: '" + std::string(key) + "' is not a valid key");
    bytes += key.size() + (value.is_string() ? value.get_string().size() : 0);
  }
  out.check(bytes <= 256 * 1024, "metadata.annotations", "Too long: may not be more than 262144 bytes");
}

void check_probe(const json::value& container, std::string_view which, const std::string& at, violations& out) {
  const auto* probe = find(container, {which});
  if (!probe) return;
  const std::string field = at + "." + std::string(which);
  int handlers = 0;
  for (const std::string_view handler : {"exec", "httpGet", "tcpSocket", "grpc"})
    handlers += find(*probe, {handler}) != nullptr;
  if (handlers != 1)
    return out.add(field, handlers ? "Forbidden: may not specify more than 1 handler type"
                                   : "Required value: must specify a handler type");
  if (find(*probe, {"httpGet"}) && !find(*probe, {"httpGet", "port"})) out.required(field + ".httpGet.port");
  if (find(*probe, {"exec"}) && array_at(*probe, {"exec", "command"}).empty()) out.required(field + ".exec.command");
  for (const std::string_view number : {"periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"})
    out.check(int_at(*probe, {number}).value_or(1) >= 1, field + "." + std::string(number),
              "Invalid value: must be greater than 0");
}

void check_resources(const json::value& container, const std::string& at, violations& out) {
  for (const std::string_view which : {"requests", "limits"})
    for (const auto& [name, amount] : object_at(container, {"resources", which})) {
      const auto parsed = parse_quantity(scalar_text(amount));
      const std::string field = at + ".resources." + std::string(which) + "[" + std::string(name) + "]";
      if (!parsed) out.add(field, "Invalid value: quantities must be a number with a unit, such as 500m or 2Gi");
      else out.check(*parsed >= 0, field, "Invalid value: must be greater than or equal to 0");
      const auto* limit = find(container, {"resources", "limits", std::string_view(name)});
      if (which != "requests" || !limit || !parsed) continue;
      const auto most = parse_quantity(scalar_text(*limit));
      out.check(!most || *parsed <= *most, field, "Invalid value: must be less than or equal to the limit");
    }
}

void check_container(const json::value& container, const std::string& at, std::set<std::string>& names,
                     const std::set<std::string>& volumes, violations& out) {
  const std::string name(text_at(container, {"name"}));
  if (name.empty()) out.required(at + ".name");
  else out.check(dns_label(name), at + ".name", label_rule);
  out.check(name.empty() || names.insert(name).second, at + ".name", "Duplicate value: \"" + name + "\"");
  if (text_at(container, {"image"}).empty()) out.required(at + ".image");
  for (const auto& variable : array_at(container, {"env"})) {
    const auto key = text_at(variable, {"name"});
    out.check(!key.empty() && key.find('=') == std::string_view::npos, at + ".env.name",
              "Invalid value: a variable needs a name without '='");
  }
  for (const auto& port : array_at(container, {"ports"})) {
    const auto number = int_at(port, {"containerPort"}).value_or(0);
    out.check(number >= 1 && number <= 65535, at + ".ports.containerPort",
              "Invalid value: must be between 1 and 65535, inclusive");
  }
  for (const auto& mount : array_at(container, {"volumeMounts"})) {
    out.check(volumes.contains(std::string(text_at(mount, {"name"}))), at + ".volumeMounts.name",
              "Not found: \"" + std::string(text_at(mount, {"name"})) + "\"");
    if (text_at(mount, {"mountPath"}).empty()) out.required(at + ".volumeMounts.mountPath");
  }
  for (const std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    check_probe(container, probe, at, out);
  check_resources(container, at, out);
}

void check_pod(const json::value& pod, violations& out) {
  const auto restart = text_at(pod, {"spec", "restartPolicy"});
  out.check(restart == "Always" || restart == "OnFailure" || restart == "Never", "spec.restartPolicy",
            "Unsupported value: supported values: \"Always\", \"OnFailure\", \"Never\"");
  out.check(int_at(pod, {"spec", "terminationGracePeriodSeconds"}).value_or(0) >= 0,
            "spec.terminationGracePeriodSeconds", "Invalid value: must be greater than or equal to 0");
  std::set<std::string> volumes, names;
  for (const auto& volume : array_at(pod, {"spec", "volumes"})) {
    const std::string name(text_at(volume, {"name"}));
    out.check(dns_label(name), "spec.volumes.name", label_rule);
    out.check(volumes.insert(name).second, "spec.volumes.name", "Duplicate value: \"" + name + "\"");
  }
  const auto& containers = array_at(pod, {"spec", "containers"});
  if (containers.empty()) out.required("spec.containers");
  for (const std::string_view list : {"initContainers", "containers"}) {
    std::size_t i = 0;
    for (const auto& container : array_at(pod, {"spec", list}))
      check_container(container, "spec." + std::string(list) + "[" + std::to_string(i++) + "]", names, volumes, out);
  }
}

void check_data(const json::value& object, std::string_view what, bool base64, violations& out) {
  for (const auto& [key, value] : object_at(object, {what})) {
    const std::string_view name(key);
    const bool plain = !name.empty() && name.size() <= 253 && name != "." && !name.starts_with("..") &&
                       std::all_of(name.begin(), name.end(),
                                   [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
    out.check(plain, std::string(what) + "[" + std::string(name) + "]",
              "Invalid value: a valid config key must consist of alphanumeric characters, '-', '_' or '.'");
    if (base64 && value.is_string())
      out.check(k8s::decode_base64(as_view(value.get_string())).has_value(),
                std::string(what) + "[" + std::string(name) + "]", "Invalid value: illegal base64 data");
  }
}

void check_taints(const json::value& node, violations& out) {
  std::set<std::string> seen;
  for (const auto& taint : array_at(node, {"spec", "taints"})) {
    const std::string key(text_at(taint, {"key"})), effect(text_at(taint, {"effect"}));
    out.check(qualified_name(key), "spec.taints.key", "Invalid value: a taint needs a qualified name");
    out.check(effect == "NoSchedule" || effect == "PreferNoSchedule" || effect == "NoExecute", "spec.taints.effect",
              "Unsupported value: supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"");
    out.check(seen.insert(key + ":" + effect).second, "spec.taints",
              "Duplicate value: taints must be unique by key and effect pair");
  }
}

/// The parts of a pod's spec that an update may change, taken out.
json::value frozen_part(const json::value& pod) {
  const auto* spec = find(pod, {"spec"});
  json::value rest = spec ? *spec : json::value();
  for (const std::string_view list : {"containers", "initContainers"})
    if (auto* containers = find(rest, {list}); containers && containers->is_array())
      for (auto& container : containers->get_array()) erase_at(container, {"image"});
  for (const std::string_view field : {"tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds"})
    erase_at(rest, {field});
  return rest;
}

}  // namespace

bool dns_label(std::string_view text) noexcept {
  return text.size() <= 63 && text.find('.') == std::string_view::npos && dns_subdomain(text);
}

bool dns_subdomain(std::string_view text) noexcept {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 253) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool edge = i == 0 || i + 1 == text.size() || text[i - 1] == '.' || text[i + 1] == '.';
    if (!plain(text[i]) && (edge || (text[i] != '-' && text[i] != '.'))) return false;
  }
  return true;
}

result<void> validate(const resource_type& type, const json::value& object) {
  violations out(object, type);
  check_metadata(type, object, out);
  if (type.plural == "pods") check_pod(object, out);
  if (type.plural == "configmaps") check_data(object, "data", false, out), check_data(object, "binaryData", true, out);
  if (type.plural == "secrets") check_data(object, "data", true, out);
  if (type.plural == "nodes") check_taints(object, out);
  if (type.plural == "configmaps" || type.plural == "secrets") {
    std::size_t bytes = 0;
    for (const std::string_view part : {"data", "binaryData"})
      for (const auto& [key, value] : object_at(object, {part}))
        bytes += key.size() + (value.is_string() ? value.get_string().size() : 0);
    out.check(bytes <= 1u << 20, "data", "Too long: may not be more than 1048576 bytes");
  }
  return out.done();
}

result<void> validate_update(const resource_type& type, const json::value& before, const json::value& after) {
  violations out(after, type);
  if (type.plural == "pods" && frozen_part(before) != frozen_part(after))
    out.add("spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
            "`spec.initContainers[*].image`, "
            "`spec.activeDeadlineSeconds`, `spec.tolerations` or `spec.terminationGracePeriodSeconds`");
  if (true_at(before, {"immutable"})) {
    const auto differs = [&](std::string_view part) { return object_at(before, {part}) != object_at(after, {part}); };
    if (differs("data") || differs("binaryData"))
      out.add("data", "Forbidden: field is immutable when `immutable` is set");
    if (!true_at(after, {"immutable"})) out.add("immutable", "Forbidden: field is immutable when `immutable` is set");
  }
  if (type.plural == "secrets" && text_at(before, {"type"}) != text_at(after, {"type"}))
    out.add("type", "Invalid value: field is immutable");
  return out.done();
}

}  // namespace atrium::devcluster
