/// @file base64.hpp - base64 (RFC 4648 section 4). Layer: apps/devcluster, I/O-free.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace atrium::devcluster {

std::string encode_base64(std::string_view bytes);
/// Also takes the URL-safe alphabet and text without padding.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace atrium::devcluster
