/// @file policies.hpp - what /policies/* says until the operator says something else. Layer: apps/hub-next. I/O-free.
#pragma once

#include <span>
#include <string_view>

namespace atrium::hub_next {

/// An operator replaces `text` by the site setting `policy_<name>`. Paragraphs are separated by blank lines; a line
/// that starts with "# " is a heading.
struct policy {
  std::string_view name, title, text;
};
std::span<const policy> policies() noexcept;

}  // namespace atrium::hub_next
