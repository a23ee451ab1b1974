/// @file diff.hpp - what changed between two texts, as a change set: for writes to a file by others. Layer: app
/// project. I/O-free. After: E. Myers, "An O(ND) difference algorithm and its variations", 1986.
#pragma once

#include <string_view>

#include "apps/project/collab/change_set.hpp"

namespace atrium::project {

/// Lines are compared first, then the characters of lines that were replaced. Time and memory are bounded: texts with
/// little in common become one replacement. Never cuts a surrogate pair that both texts hold whole.
change_set diff(std::u16string_view from, std::u16string_view to);

}  // namespace atrium::project
