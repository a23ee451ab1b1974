#include "apps/manage-state/trouble.hpp"

#include <algorithm>
#include <span>

namespace atrium::manage_state {

namespace {

constexpr std::string_view out_of_memory =
    "The project needed more memory than it may use and was ended. Close notebooks or programs that use much, or ask "
    "for more memory.";

constexpr std::string_view storage_events[] = {"FailedMount", "FailedAttachVolume", "FailedMapVolume"};
constexpr std::string_view sandbox_events[] = {"FailedCreatePodSandBox", "FailedCreatePodContainer", "NetworkNotReady"};
constexpr std::string_view pulling = "Pulling", pulled = "Pulled";

bool among(std::string_view what, std::span<const std::string_view> all) noexcept {
  return std::find(all.begin(), all.end(), what) != all.end();
}

trouble making_trouble(std::string_view event) {
  constexpr std::chrono::hours image_limit{1};  // it may be large
  if (event == events_not_read) return {"", false, image_limit};
  if (event == pulling)
    return {"The project's software image is being loaded to its machine. The first time this can take some minutes.",
            false, image_limit};
  if (among(event, storage_events))
    return {
        "The project's files cannot be reached from its machine yet; it is tried again. If it stays so, an "
        "administrator has to check the storage of projects."};
  if (among(event, sandbox_events))
    return {
        "The project's machine cannot prepare its container yet; it is tried again. If it stays so, an administrator "
        "has to check the network and the container runtime of that machine."};
  return {};
}

trouble waiting_trouble(const pod_view& p, std::string_view event) {
  const auto& reason = p.container_reason;
  if (is_being_made(p)) return making_trouble(event);
  if (among(reason, sandbox_events)) return making_trouble(reason);
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
                std::to_string(p.restarts) +
                " times). It is tried again in growing intervals: cancel and start again to try at once, or tell an "
                "administrator.",
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

/// The scheduler's message ("0/3 nodes are available: 1 node(s) had untolerated taint {...}, 2 Insufficient memory.")
/// in words for people. It names nodes' labels and taints, so it goes to the log and not to them.
std::string no_room_sentence(std::string_view message) {
  const auto says = [message](std::string_view what) { return message.find(what) != std::string_view::npos; };
  if (says("Insufficient memory"))
    return "No machine has enough memory free for the project yet. It starts as soon as there is room; stop another "
           "project, or ask an administrator.";
  if (says("Insufficient cpu"))
    return "No machine has enough processor time free for the project yet. It starts as soon as there is room; stop "
           "another project, or ask an administrator.";
  if (says("Too many pods"))
    return "No machine has room for the project yet: each runs as many as it may. It starts as soon as there is room; "
           "stop another project, or ask an administrator.";
  if (says("PersistentVolumeClaim") || says("persistentvolumeclaim") || says("volume node affinity"))
    return "The storage of projects is not there for any machine that could run the project. An administrator has to "
           "check its volumes.";
  if (says("taint") || says("node affinity") || says("node selector") || says("unschedulable"))
    return "No machine may run the project at the moment: none is open to projects. It starts as soon as one is; ask "
           "an administrator.";
  return "No machine has room for the project yet. It starts as soon as there is room; stop another project, or ask an "
         "administrator.";
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

bool is_being_made(const pod_view& p) noexcept {
  return p.state == pod_view::container::waiting && !p.unschedulable &&
         (p.container_reason == "ContainerCreating" || p.container_reason == "PodInitializing");
}

bool tells_of_making(std::string_view reason) noexcept {
  return reason == pulling || reason == pulled || among(reason, storage_events) || among(reason, sandbox_events);
}

trouble trouble_of(const pod_view& p, std::string_view event) {
  if (p.over) return over_trouble(p);
  if (p.ready) return {};
  if (p.unschedulable) return {no_room_sentence(p.no_room), false};
  if (p.state == pod_view::container::waiting) return waiting_trouble(p, event);
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
