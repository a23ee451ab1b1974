/// @file site.hpp - pod template and images of this installation, kept up to date by a watch. Layer:
/// apps/manage-action.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <optional>
#include <string>

#include "apps/manage-action/pod_spec.hpp"
#include "atrium/k8s/informer.hpp"

namespace atrium::manage_action {

/// ConfigMaps `project-pod` (key `pod.yaml`: a Pod in YAML or JSON) and `project-image`, as they are now.
class site_templates {
 public:
  site_templates(k8s::client&, std::string ns);
  ~site_templates();

  rt::task<void> run();
  rt::task<void> wait_synced();
  bool synced() const noexcept;

  /// @errors not_found (no ConfigMap), invalid (not a Pod in YAML); the sentence is for people
  result<boost::json::value> pod_template() const;
  image_table images() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace atrium::manage_action
