/// @file validation.hpp - what people type: e-mail addresses, passwords, names, titles. Layer: apps/domain.
/// Each gives the cleaned text or invalid with a sentence that says what is wrong and what would be right.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::domain {

/// Trimmed and in lower case, at most 254 bytes, one '@', a local part of at most 64, a domain of labels.
result<std::string> clean_email(std::string_view);
/// Unchanged: 8 to 128 characters, not one of the very common ones, not the e-mail address itself.
result<std::string> check_new_password(std::string_view password, std::string_view email = {});
/// Given or family name: trimmed, inner white space single, 1 to 100 characters, no control characters or URL.
result<std::string> clean_person_name(std::string_view, std::string_view which = "name");
/// Project title: trimmed, 1 to 200 characters.
result<std::string> clean_title(std::string_view);
/// Project description: at most 10,000 characters, line breaks kept.
result<std::string> clean_description(std::string_view);
/// Name of an API key: trimmed, 1 to 128 characters.
result<std::string> clean_key_name(std::string_view);

/// Number of code points, or nullopt when `text` is not UTF-8 or holds NUL.
std::optional<std::size_t> utf8_length(std::string_view text) noexcept;

}  // namespace atrium::domain
