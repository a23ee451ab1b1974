/// @file config_maps.hpp - the ConfigMaps of project pods, from files that the operator may edit. Layer: apps/up.
#pragma once

#include "apps/up/plan.hpp"

namespace atrium::up {

/// Makes the cluster's ConfigMaps `project-pod` and `project-image` equal to `config/project-{pod,image}.yaml` of the
/// state folder, which are written with defaults when missing. @errors those of the Kubernetes client; invalid (file
/// unreadable)
rt::task<void> write_config_maps(const layout&);

}  // namespace atrium::up
