/// @file range.hpp - what a download says about a file: byte ranges (RFC 9110 section 14), types of content. Layer: app
/// project. I/O-free.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace atrium::project {

struct byte_range {
  std::uint64_t first = 0, length = 0;
};

enum class range_answer { whole, part, unsatisfiable };

/// What a Range field asks for of `size` bytes. Several ranges, other units and malformed fields mean the whole: then
/// `out` stays as it is.
range_answer parse_range(std::string_view field, std::uint64_t size, byte_range& out);

/// Content-Type by the name's extension; application/octet-stream when unknown.
std::string_view content_type_of(std::string_view name);

}  // namespace atrium::project
