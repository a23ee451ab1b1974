/// @file devcluster.hpp - `atrium devcluster`: the smallest Kubernetes API that our services run on, with one node.
/// Layer: apps.
#pragma once

namespace atrium::devcluster {

/// Exit code. `devcluster launch ...` and `devcluster enter ...` are what the node agent starts processes with.
int run_devcluster(int argc, char** argv);

}  // namespace atrium::devcluster
