/// @file steps.hpp - the SQL text of each migration. Layer: apps/store.
#pragma once

#include <string_view>

namespace atrium::store {

extern const std::string_view step_001, step_002;

}  // namespace atrium::store
