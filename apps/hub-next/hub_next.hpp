/// @file hub_next.hpp - subcommand `atrium hub-next`: landing page, signing up and in, information pages and /api/v2.
#pragma once

namespace atrium {

int run_hub_next(int argc, char** argv);

}  // namespace atrium
