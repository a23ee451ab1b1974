/// @file status.hpp - answers of the API that are errors, as `error`. Layer: k8s. I/O-free.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/error.hpp"
#include "atrium/rt/task_node.hpp"

namespace atrium::k8s {

/// Codes ("k8s.<number>") that callers compare with.
inline constexpr std::string_view code_gone = "k8s.410";      ///< resourceVersion or continue token too old: list again
inline constexpr std::string_view code_conflict = "k8s.409";  ///< resourceVersion precondition failed
inline constexpr std::string_view code_exists = "k8s.AlreadyExists";  ///< also 409
inline constexpr std::string_view code_quota = "k8s.QuotaExceeded";   ///< 403 by a ResourceQuota

/// The error of an answer with `http_status` and `body` (a Status object, or anything):
/// 400, 405, 406, 415, 422 invalid; 401 unauthenticated; 403 denied; 404 not_found; 409 conflict; 410 conflict with
/// code_gone; 429, 503 overloaded; 408, 504 timed_out; other 5xx failed. The server's message is peer text.
error error_of_status(unsigned http_status, std::string_view body);

/// Seconds form of a Retry-After value, at most a minute; nothing for anything else.
std::optional<rt::duration> parse_retry_after(std::string_view value) noexcept;

}  // namespace atrium::k8s
