/// @file node.hpp - the Node object and its heartbeat Lease. Layer: apps/devcluster, I/O-free but for reading /proc.
#pragma once

#include <string>

#include "apps/devcluster/api/registry.hpp"

namespace atrium::devcluster {

/// Creates or refreshes the Node of this machine: capacity, addresses, nodeInfo, conditions. Labels and taints that
/// others set stay.
void register_node(registry& objects, const std::string& name);
/// Renews the Lease in kube-node-lease.
void renew_lease(registry& objects, const std::string& name);
/// Sets the Ready condition.
void set_node_ready(registry& objects, const std::string& name, bool ready, const std::string& message);

}  // namespace atrium::devcluster
