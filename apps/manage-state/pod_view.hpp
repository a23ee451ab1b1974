/// @file pod_view.hpp - what we keep of a project's pod: little, so that thousands cost little. Layer:
/// apps/manage-state, I/O-free.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"
#include "atrium/base/trace.hpp"

namespace atrium::manage_state {

struct pod_view {
  domain::project_id project;
  std::string ns, uid, ip, secret, node;
  std::int64_t fence = -1;                 ///< of the request that made it; -1: unknown
  trace::id traced;                        ///< of the action that asked for it
  bool terminating = false, over = false;  ///< over: phase Failed or Succeeded
  bool ready = false, unschedulable = false;
  bool others_ready = true;  ///< the containers beside the project's own
  std::string pod_reason;    ///< "Evicted", "NodeLost", ...
  std::string no_room;       ///< what the scheduler says while `unschedulable`; for logs and for trouble_of()
  bool image_here = false;   ///< the image is on the node and its container does not run yet

  enum class container : std::uint8_t { none, waiting, running, terminated } state = container::none;
  std::string container_reason;  ///< "ImagePullBackOff", "CrashLoopBackOff", "OOMKilled", ...
  int exit_code = 0, restarts = 0;
  std::string last_reason;  ///< how its last run ended
  int last_exit_code = 0;
  std::optional<domain::timestamp> last_finished;

  /// The last step of a pod that is not ready: it was made, found no room, was placed, or ceased to be ready.
  std::optional<domain::timestamp> waiting_since;
  std::optional<domain::timestamp> scheduled, started, became_ready;

  bool operator==(const pod_view&) const = default;
};

/// nullopt: not the pod of a project.
std::optional<pod_view> view_of(const boost::json::value& pod);

}  // namespace atrium::manage_state
