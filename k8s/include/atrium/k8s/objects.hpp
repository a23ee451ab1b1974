/// @file objects.hpp - the fields that we use of the kinds that we use, read out of JSON. Layer: k8s. I/O-free.
/// A field that is absent or of another type is empty here: objects come from other programs.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "atrium/k8s/time.hpp"

namespace atrium::k8s {

using string_map = std::map<std::string, std::string, std::less<>>;

struct object_meta {
  std::string name, ns, uid, resource_version;
  string_map labels, annotations;
  std::optional<wall_time> created, deleted;  ///< deleted: asked to stop, still there
  std::string key() const { return ns.empty() ? name : ns + "/" + name; }
};

struct condition {
  std::string type, reason, message;
  bool status = false;
  std::optional<wall_time> changed;
};

struct container_state {
  enum class kind : std::uint8_t { unknown, waiting, running, terminated };
  kind what = kind::unknown;
  std::string reason, message;  ///< of waiting and terminated: "ImagePullBackOff", "OOMKilled"
  int exit_code = 0, signal = 0;
  std::optional<wall_time> started, finished;
};

struct container_status {
  std::string name, image, image_id;  ///< image_id: empty until the image is on the node
  bool ready = false;
  int restarts = 0;
  container_state state, last_state;
};

struct pod {
  object_meta meta;
  std::string node_name, phase, reason, message, pod_ip, host_ip;
  std::optional<wall_time> start_time;
  std::vector<condition> conditions;
  std::vector<container_status> containers, init_containers;
  const condition* find_condition(std::string_view type) const noexcept;
  bool is_condition(std::string_view type) const noexcept;
};

struct configmap {
  object_meta meta;
  string_map data;
};

struct secret {
  object_meta meta;
  std::string type;
  string_map data;  ///< decoded; values that are no base64 are left out
};

struct taint {
  std::string key, value, effect;
};

struct node {
  object_meta meta;
  bool unschedulable = false, ready = false;
  std::vector<taint> taints;
  string_map allocatable;  ///< quantities as text: "cpu" -> "1900m"
  std::string internal_ip;
};

struct event {
  object_meta meta;
  std::string type, reason, message;  ///< type: Normal or Warning
  std::string about_kind, about_ns, about_name, about_uid;
  int count = 1;
  std::optional<wall_time> last_seen;
};

struct lease {
  object_meta meta;
  std::string holder;
  int duration_seconds = 0;
  std::int64_t transitions = 0;
  std::optional<wall_time> acquired, renewed;
};

object_meta parse_meta(const boost::json::value& object);
pod parse_pod(const boost::json::value& object);
configmap parse_configmap(const boost::json::value& object);
secret parse_secret(const boost::json::value& object);
node parse_node(const boost::json::value& object);
event parse_event(const boost::json::value& object);
lease parse_lease(const boost::json::value& object);
/// The Lease object that says this, ready for create or replace (with meta.resource_version as precondition).
boost::json::value to_json(const lease&);

}  // namespace atrium::k8s
