/// @file migrate.hpp - subcommand `atrium migrate`: brings the database to this program's schema.
#pragma once

namespace atrium {

/// Waits for a database that is still starting, applies what is missing, and ends: 0 done, 1 failed, 2 wrong settings.
int run_migrate(int argc, char** argv);

}  // namespace atrium
