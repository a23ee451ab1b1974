/// @file version.hpp - the release of this program. Layer: apps/domain.
#pragma once

#include <string_view>

namespace atrium::domain {

inline constexpr std::string_view version = ATRIUM_VERSION;

}  // namespace atrium::domain
