/// @file scheduler.hpp - whether a pod may run on a node, and why not. Layer: apps/devcluster, I/O-free.
#pragma once

#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// In units of 1/1000 of a CPU and of a byte.
struct room {
  std::int64_t cpu = 0, memory = 0;
};
/// What the containers of a pod ask for together (or the largest init container alone).
room requests_of(const json::value& pod);

/// @errors Conflict with a sentence as the scheduler of Kubernetes says it
result<void> fits(const json::value& pod, const json::value& node, room used);

bool tolerates(const json::value& pod, const json::value& taint);
/// The first taint with this effect that the pod does not tolerate, or null.
const json::value* untolerated(const json::value& pod, const json::value& node, std::string_view effect);

}  // namespace atrium::devcluster
