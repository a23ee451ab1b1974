/// @file container_state.hpp - what is known of a container, and a pod's status made of it. Layer: apps/devcluster,
/// I/O-free.
#pragma once

#include <string>
#include <vector>

#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

struct container_state {
  enum class phase : std::uint8_t { waiting, running, terminated };
  std::string name, image, id;
  bool init = false;
  phase now = phase::waiting;
  std::string reason = "ContainerCreating", message;  ///< of waiting and terminated
  int restarts = 0;
  bool ready = false, started = false;
  int exit_code = 0;
  wall_time started_at{}, finished_at{};
  json::value last = json::object();  ///< lastState

  json::value state() const;
  json::value status() const;
  /// Remembers how the container ended as lastState, before it is started anew.
  void remember_end();
};

/// The pod's phase by the containers and the restart policy.
std::string_view pod_phase(const std::vector<const container_state*>& containers, std::string_view restart_policy);

struct pod_picture {
  std::vector<const container_state*> init, containers;
  std::string address;  ///< empty: none yet
  wall_time started_at{};
};

/// Writes the picture into `pod`'s status. Conditions keep lastTransitionTime while their status stays.
void write_status(json::value& pod, const pod_picture& picture, wall_time now);

/// Sets one condition.
void set_condition(json::value& object, std::string_view type, bool holds, std::string_view reason,
                   std::string_view message, wall_time now);

}  // namespace atrium::devcluster
