/// @file files.hpp - small files as texts: what we keep, and what /proc and /sys say. Layer: apps/devcluster.
/// Every function blocks.
#pragma once

#include <string>
#include <string_view>

namespace atrium::devcluster {

/// Everything in it; empty when it cannot be read.
std::string read_text(const std::string& path);
std::string first_line(const std::string& path);

/// Puts `text` there by rename, with exactly this mode. @errors as of errno
void write_text(const std::string& path, std::string_view text, unsigned mode);

/// write(2) until everything is written. `what` begins the text of the error.
void write_fully(int fd, std::string_view bytes, std::string_view what);

}  // namespace atrium::devcluster
