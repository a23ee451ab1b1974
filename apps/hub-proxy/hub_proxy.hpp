/// @file hub_proxy.hpp - subcommand `atrium hub-proxy`: lets people into their project pods.
///
/// Takes `/<project uuid>/{files,raw,port,server,proxy}/...` and `/<project uuid>/ws` to port 6001 of the project's
/// pod.
#pragma once

namespace atrium {

int run_hub_proxy(int argc, char** argv);

}  // namespace atrium
