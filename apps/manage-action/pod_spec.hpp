/// @file pod_spec.hpp - the Pod object of a project, from the site's template and the project's row. Layer:
/// apps/manage-action, I/O-free.
#pragma once

#include <boost/json/fwd.hpp>
#include <map>
#include <string>

#include "apps/domain/ids.hpp"
#include "apps/domain/quota.hpp"
#include "atrium/base/result.hpp"
#include "atrium/base/trace.hpp"

namespace atrium::manage_action {

/// ConfigMap `project-image`: `image` and `tag` of the default environment; `image.<id>` is the whole reference of the
/// environment with that id (projects.compute_image).
using image_table = std::map<std::string, std::string, std::less<>>;

struct pod_request {
  domain::project_id project;
  std::string name_space;
  std::string secret_token;
  std::string env_json = "{}";  ///< projects.env: {"NAME": "value"}
  std::string compute_image;
  std::string project_tag;  ///< label; empty: none
  domain::run_quota quota;
  std::int64_t fence = 0;
  std::string requested;  ///< time of the request
  trace::id traced;       ///< of the action that asked for the start
};

/// Image reference of an environment id; empty or unknown (the site has taken it away): the default one. Empty when the
/// table has none.
std::string choose_image(const image_table&, std::string_view compute_image);

/// Tag of an image reference ("registry:5000/project:v7" -> "v7") as a label's value; empty when it has none or when it
/// is no valid label value (more than 63 bytes, or it begins or ends with punctuation).
std::string tag_label(std::string_view image);

/// Fills the template (a Pod as in ConfigMap `project-pod`): `${project_id}` in any text; name, labels, annotations;
/// image, environment, resources; and, where the template says nothing, security context (uid and gid 2001), ports,
/// readiness probe and restart policy. What else the template has stays (volumes, tolerations, node selectors,
/// sidecars).
/// @errors invalid: the template cannot be a project's pod; the sentence is for the administrator
result<boost::json::value> build_pod(boost::json::value pod_template, std::string image, const pod_request&);

}  // namespace atrium::manage_action
