/// @file static.hpp - `atrium static`: serves the built browser application below /app. Layer: apps/static.
#pragma once

namespace atrium::static_files {

/// Exit code.
int run_static(int argc, char** argv);

}  // namespace atrium::static_files
