/// @file time.hpp - points in time as the database and the wire spell them: UTC, milliseconds. Layer: apps/domain.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::domain {

using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// The system's clock. Everything else in this folder takes time as an argument.
timestamp now() noexcept;
/// "2026-07-03T12:34:56.789Z"
std::string to_iso8601(timestamp);
/// The form above, also with a space for T, with any number of decimals or none, with or without Z or +00[:00] (what
/// PostgreSQL prints for a TIMESTAMP, and Kubernetes for a Time). @errors invalid
result<timestamp> parse_timestamp(std::string_view);

}  // namespace atrium::domain
