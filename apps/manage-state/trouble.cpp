#include "apps/manage-state/trouble.hpp"

namespace atrium::manage_state {

namespace {

constexpr std::string_view out_of_memory =
    "The project needed more memory than it may use and was ended. Close notebooks or programs that use much, or ask "
    "for more memory.";

trouble waiting_trouble(const pod_view& p) {
  const auto& reason = p.container_reason;
  if (reason == "ImagePullBackOff")
    return {"The project's software image cannot be loaded. An administrator has to check its name and the registry.",
            true};
  if (reason == "ErrImagePull" || reason == "ErrImageNeverPull" || reason == "RegistryUnavailable")
    return {"The project's software image could not be loaded; it is tried again.", false};
  if (reason == "InvalidImageName")
    return {"The name of the project's software image is not valid. An administrator has to correct it.", true};
  if (reason == "CrashLoopBackOff") {
    if (p.last_reason == "OOMKilled") return {std::string(out_of_memory), true};
    return {"The project's server ends as soon as it is started (exit code " + std::to_string(p.last_exit_code) + ", " +
                std::to_string(p.restarts) + " times). It is tried again in growing intervals; tell an administrator.",
            true};
  }
  if (reason == "CreateContainerConfigError" || reason == "CreateContainerError" || reason == "RunContainerError" ||
      reason == "StartError")
    return {
        "The project's container cannot be made on its machine. An administrator has to check the pod template and the "
        "storage.",
        true};
  return {};
}

trouble over_trouble(const pod_view& p) {
  if (p.pod_reason == "Evicted")
    return {
        "The project was stopped because its machine ran short of memory or disk. Start it again; if it happens again, "
        "use less or ask for more.",
        true};
  if (p.pod_reason == "NodeLost" || p.pod_reason == "NodeShutdown" || p.pod_reason == "Terminated" ||
      p.pod_reason == "Shutdown")
    return {"The project was stopped because its machine went down. Start it again.", true};
  if (p.container_reason == "OOMKilled") return {std::string(out_of_memory), true};
  return {"The project's server ended (exit code " + std::to_string(p.exit_code) +
              "). Start it again; if it happens again, tell an administrator.",
          true};
}

}  // namespace

trouble trouble_of(const pod_view& p) {
  if (p.over) return over_trouble(p);
  if (p.ready) return {};
  if (p.unschedulable)
    return {
        "No machine has room for the project yet. It starts as soon as there is room; stop another project, or ask an "
        "administrator.",
        false};
  if (p.state == pod_view::container::waiting) return waiting_trouble(p);
  if (p.state == pod_view::container::terminated) {
    if (p.container_reason == "OOMKilled") return {std::string(out_of_memory), false};
    return {"The project's server ended (exit code " + std::to_string(p.exit_code) + ") and is being restarted.",
            false};
  }
  return {};
}

std::string remark_of(const pod_view& p, domain::timestamp now) {
  if (p.last_reason != "OOMKilled" || !p.last_finished || now - *p.last_finished > remark_lasts) return {};
  return "The project used more memory than it may and was restarted. Close notebooks or programs that use much, or "
         "ask for more memory.";
}

}  // namespace atrium::manage_state
