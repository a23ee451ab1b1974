/// @file environment.hpp - what processes of the user get to see of ours. Layer: app project.
#pragma once

#include <string>
#include <vector>

namespace atrium::project {

/// Takes secrets (ATRIUM_PROJECT_SECRET) out of this process' environment, also out of the memory that
/// /proc/<pid>/environ shows, and forbids other processes of the same user to read our memory or to trace us. Call at
/// start, on one thread, after the settings were read.
void hide_secrets() noexcept;

/// Environment of shells and commands: ours without ATRIUM_* (but ATRIUM_PROJECT_ID), with sane HOME, SHELL, PATH,
/// LANG.
std::vector<std::string> user_environment(const std::string& home);
/// Sets "KEY=value" in `environment`, replacing one of that key.
void set_variable(std::vector<std::string>& environment, const std::string& key, const std::string& value);

/// bash where there is one, else sh.
std::string login_shell();

}  // namespace atrium::project
