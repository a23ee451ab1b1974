#include "apps/manage-action/site.hpp"

#include <boost/json.hpp>

#include "atrium/base/log.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/k8s/objects.hpp"

namespace atrium::manage_action {

namespace {

constexpr std::string_view template_map = "project-pod", image_map = "project-image";

struct entry {
  k8s::string_map data;
  std::optional<boost::json::value> pod;  ///< parsed once a change, not once a start
  std::string wrong;                      ///< why `pod` is empty
  bool operator==(const entry& other) const { return data == other.data; }
};

std::optional<entry> project_map(const boost::json::value& object) {
  auto map = k8s::parse_configmap(object);
  if (map.meta.name != template_map && map.meta.name != image_map) return std::nullopt;
  entry e{std::move(map.data), std::nullopt, {}};
  if (map.meta.name != template_map) return e;
  const auto text = e.data.find("pod.yaml");
  if (text == e.data.end()) {
    e.wrong = "has no key pod.yaml";
  } else if (auto pod = k8s::parse_yaml(text->second)) {
    e.pod = std::move(*pod);
  } else {
    log::error("pod template is not valid", {{"error", pod.error()}});
    e.wrong = "is not valid YAML";
  }
  return e;
}

}  // namespace

struct site_templates::state {
  state(k8s::client& c, std::string n)
      : ns(n), maps(c, k8s::resources::configmaps, {.ns = std::move(n)}, project_map) {}
  std::string ns;
  k8s::informer<entry> maps;
};

site_templates::site_templates(k8s::client& c, std::string ns) : state_(std::make_unique<state>(c, std::move(ns))) {}
site_templates::~site_templates() = default;
rt::task<void> site_templates::run() { return state_->maps.run(); }
rt::task<void> site_templates::wait_synced() { return state_->maps.wait_synced(); }
bool site_templates::synced() const noexcept { return state_->maps.synced(); }

result<boost::json::value> site_templates::pod_template() const {
  const auto* e = state_->maps.find(state_->ns + "/" + std::string(template_map));
  if (!e)
    return error(disposition::not_found,
                 "The site has no pod template (ConfigMap project-pod). An administrator has to create it.");
  if (!e->pod)
    return error(disposition::invalid, "The site's pod template (ConfigMap project-pod) " + e->wrong +
                                           ". An administrator has to correct it.");
  return *e->pod;
}

image_table site_templates::images() const {
  const auto* e = state_->maps.find(state_->ns + "/" + std::string(image_map));
  return e ? e->data : image_table();
}

}  // namespace atrium::manage_action
