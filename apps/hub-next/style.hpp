/// @file style.hpp - style sheet and script of server-rendered pages, inlined under the page's nonce. Layer:
/// apps/hub-next.
#pragma once

#include <string_view>

namespace atrium::hub_next {

extern const std::string_view style_sheet;
/// Shows passwords on demand, keeps a form from being sent twice, and moves to the first field that is wrong.
extern const std::string_view form_script;

}  // namespace atrium::hub_next
