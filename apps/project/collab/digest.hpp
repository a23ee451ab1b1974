/// @file digest.hpp - tells contents of files apart, quickly. Layer: app project. I/O-free.
#pragma once

#include <string>
#include <string_view>

namespace atrium::project {

/// 24 bytes: the length and 128 mixed bits. Against chance, not against people: who could forge one owns the file
/// anyway. Same on every machine and in every version: journals hold it.
std::string content_digest(std::string_view bytes) noexcept;

/// The same as 48 hexadecimal characters, for file names.
std::string digest_name(std::string_view bytes);

}  // namespace atrium::project
