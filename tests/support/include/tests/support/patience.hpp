/// @file patience.hpp - how long fixtures wait before they call something hung.
#pragma once

#include <chrono>

#ifndef ATRIUM_PATIENCE
#define ATRIUM_PATIENCE 1
#endif

namespace atrium::tests {

/// `limit` of the release build, made longer for builds with sanitizers (ATRIUM_PATIENCE in cmake/AtriumTargets.cmake).
/// For waits that end early when all is well; never for what a test measures.
constexpr std::chrono::nanoseconds patience(std::chrono::nanoseconds limit) noexcept { return limit * ATRIUM_PATIENCE; }

}  // namespace atrium::tests
