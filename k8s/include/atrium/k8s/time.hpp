/// @file time.hpp - timestamps of Kubernetes objects (RFC 3339, UTC). Layer: k8s. I/O-free.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace atrium::k8s {

using wall_time = std::chrono::system_clock::time_point;

/// "2026-11-24T10:00:00Z", with any fraction and any numeric offset; years from 1700 to 2200.
std::optional<wall_time> parse_time(std::string_view text) noexcept;
std::string format_seconds(wall_time);  ///< metav1.Time: whole seconds
std::string format_millis(wall_time);   ///< as kept in projects.state and projects.status
std::string format_micros(wall_time);   ///< metav1.MicroTime, as in Leases

}  // namespace atrium::k8s
