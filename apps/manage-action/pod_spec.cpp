#include "apps/manage-action/pod_spec.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "apps/domain/project_pod.hpp"

namespace atrium::manage_action {

namespace json = boost::json;

namespace {

constexpr std::int64_t project_uid = 2001;

error bad_template(std::string what) {
  return error(disposition::invalid,
               "The pod template (ConfigMap project-pod) " + what + ". An administrator has to correct it.");
}

void substitute(json::value& value, std::string_view name, std::string_view by, int depth = 0) {
  if (depth > 64) return;
  if (auto* text = value.if_string()) {
    std::string out(text->data(), text->size());
    for (std::size_t at = 0; (at = out.find(name, at)) != std::string::npos; at += by.size())
      out.replace(at, name.size(), by);
    *text = out;
  } else if (auto* items = value.if_array()) {
    for (auto& item : *items) substitute(item, name, by, depth + 1);
  } else if (auto* object = value.if_object()) {
    for (auto& item : *object) substitute(item.value(), name, by, depth + 1);
  }
}

/// The object at `key`, made when absent (or null).
result<json::object*> child(json::object& in, std::string_view key) {
  auto& at = in[key];
  if (at.is_null()) at.emplace_object();
  if (!at.is_object()) return bad_template("has something else than an object at '" + std::string(key) + "'");
  return &at.get_object();
}

void fill(json::object& in, std::string_view key, json::value value) {
  if (!in.contains(key)) in[key] = std::move(value);
}

result<json::object*> find_container(json::object& spec) {
  auto* list = spec.if_contains("containers");
  if (!list || !list->is_array() || list->get_array().empty()) return bad_template("has no containers");
  json::object* first = nullptr;
  for (auto& item : list->get_array()) {
    auto* container = item.if_object();
    if (!container) return bad_template("has a container that is not an object");
    const auto* name = container->if_contains("name");
    if (name && name->is_string() && name->get_string() == domain::project_container) return container;
    if (!first) first = container;
  }
  (*first)["name"] = domain::project_container;
  return first;
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || (name[0] >= '0' && name[0] <= '9')) return false;
  for (char c : name)
    if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) return false;
  return true;
}

void set_variable(json::array& env, std::string_view name, std::string_view value) {
  for (auto& item : env) {
    auto* entry = item.if_object();
    const auto* known = entry ? entry->if_contains("name") : nullptr;
    if (!known || !known->is_string() || known->get_string() != name) continue;
    entry->erase("valueFrom");
    (*entry)["value"] = value;
    return;
  }
  env.push_back(json::object{{"name", name}, {"value", value}});
}

/// A `$` doubled, so that the kubelet does not expand $(NAME) in what people typed.
std::string literal(std::string_view text) {
  std::string out;
  for (char c : text) out.append(c == '$' ? "$$" : std::string(1, c));
  return out;
}

result<void> set_environment(json::object& container, const pod_request& r) {
  auto& at = container["env"];
  if (at.is_null()) at.emplace_array();
  if (!at.is_array()) return bad_template("has a container whose env is not a list");
  auto& env = at.get_array();
  boost::system::error_code failed;
  if (auto own = json::parse(r.env_json, failed); !failed && own.is_object()) {
    for (const auto& item : own.get_object()) {
      const auto* text = item.value().if_string();
      // A project's people must not pretend to be the system to their own server.
      if (text && is_variable_name(item.key()) && !std::string_view(item.key()).starts_with("ATRIUM_"))
        set_variable(env, item.key(), literal({text->data(), text->size()}));
    }
  }
  set_variable(env, "HOME", "/home/user");
  set_variable(env, "ATRIUM_PROJECT_ID", r.project.view());
  set_variable(env, domain::secret_variable, r.secret_token);
  if (r.traced) set_variable(env, domain::trace_variable, r.traced.text());
  return {};
}

std::string cores(double n) { return std::to_string(std::llround(n * 1000)) + "m"; }
std::string megabytes(std::int64_t n) { return std::to_string(n) + "M"; }

result<void> set_resources(json::object& container, const domain::run_quota& q) {
  auto resources = child(container, "resources");
  if (!resources) return resources.error();
  auto limits = child(**resources, "limits");
  if (!limits) return limits.error();
  (**limits)["cpu"] = cores(q.cpu_limit);
  (**limits)["memory"] = megabytes(q.memory_limit);
  auto requests = child(**resources, "requests");
  if (!requests) return requests.error();
  (**requests)["cpu"] = cores(q.cpu_request);
  (**requests)["memory"] = megabytes(q.memory_request);
  return {};
}

result<void> set_container(json::object& container, std::string image, const pod_request& r) {
  if (!image.empty()) container["image"] = std::move(image);
  if (!container.contains("image")) return bad_template("names no image, and there is none in ConfigMap project-image");
  fill(container, "command", json::array{"atrium", "project"});
  fill(container, "ports",
       json::array{json::object{{"name", "hub"}, {"containerPort", domain::hub_port}},
                   json::object{{"name", "browser"}, {"containerPort", domain::browser_port}},
                   json::object{{"name", "ssh"}, {"containerPort", domain::ssh_port}}});
  fill(container, "readinessProbe",
       json::object{{"httpGet", {{"path", "/ready"}, {"port", domain::browser_port}}}, {"periodSeconds", 1}});
  if (auto done = set_environment(container, r); !done) return done.error();
  return set_resources(container, r.quota);
}

result<void> set_metadata(json::object& pod, const pod_request& r) {
  auto metadata = child(pod, "metadata");
  if (!metadata) return metadata.error();
  (**metadata)["name"] = domain::pod_name(r.project);
  (**metadata)["namespace"] = r.name_space;
  (*metadata)->erase("generateName");
  auto labels = child(**metadata, "labels");
  if (!labels) return labels.error();
  (**labels)["run"] = "project";
  (**labels)["project_id"] = r.project.view();
  if (!r.project_tag.empty()) (**labels)["project_tag"] = r.project_tag;
  (**labels)["network"] = r.quota.network ? "true" : "false";
  auto annotations = child(**metadata, "annotations");
  if (!annotations) return annotations.error();
  (**annotations)[domain::fence_annotation] = std::to_string(r.fence);
  (**annotations)[domain::requested_annotation] = r.requested;
  if (r.traced) (**annotations)[domain::trace_annotation] = r.traced.text();
  fill(**annotations, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false");
  return {};
}

}  // namespace

std::string choose_image(const image_table& table, std::string_view compute_image) {
  if (const auto own = table.find("image." + std::string(compute_image)); own != table.end()) return own->second;
  const auto image = table.find("image");
  if (image == table.end() || image->second.empty()) return {};
  const auto tag = table.find("tag");
  if (tag == table.end() || tag->second.empty()) return image->second;
  return image->second + ":" + tag->second;
}

std::string tag_label(std::string_view image) {
  const auto colon = image.rfind(':');
  const auto slash = image.rfind('/');
  if (colon == std::string_view::npos || (slash != std::string_view::npos && slash > colon)) return {};
  const auto tag = image.substr(colon + 1);
  const auto alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (tag.empty() || tag.size() > 63 || !alphanumeric(tag.front()) || !alphanumeric(tag.back())) return {};
  return std::string(tag);
}

result<json::value> build_pod(json::value pod_template, std::string image, const pod_request& r) {
  if (!pod_template.is_object()) return bad_template("is not an object");
  substitute(pod_template, "${project_id}", r.project.view());
  auto& pod = pod_template.get_object();
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod.erase("status");
  if (auto done = set_metadata(pod, r); !done) return done.error();
  auto spec = child(pod, "spec");
  if (!spec) return spec.error();
  auto container = find_container(**spec);
  if (!container) return container.error();
  if (auto done = set_container(**container, std::move(image), r); !done) return done.error();
  auto security = child(**spec, "securityContext");
  if (!security) return security.error();
  fill(**security, "runAsUser", project_uid);
  fill(**security, "runAsGroup", project_uid);
  fill(**security, "fsGroup", project_uid);
  fill(**spec, "restartPolicy", "Always");
  fill(**spec, "automountServiceAccountToken", false);
  fill(**spec, "enableServiceLinks", false);
  return pod_template;
}

}  // namespace atrium::manage_action
