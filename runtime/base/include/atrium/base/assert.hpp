/// @file assert.hpp - assertions that stay on in release. For bugs of ours only: no remote input may reach a false one.
#pragma once

namespace atrium {
/// Prints expression, place and message, then aborts. Thread-safe.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* message) noexcept;
}  // namespace atrium

/// Ends the process when `condition` is false. `message` is a constant that says which promise was broken.
#define ATRIUM_ASSERT(condition, message) \
  (static_cast<bool>(condition) ? void() : ::atrium::assertion_failed(#condition, __FILE__, __LINE__, message))
