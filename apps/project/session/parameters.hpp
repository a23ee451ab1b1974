/// @file parameters.hpp - reads parameters of a request, with sentences for what is wrong. Layer: app project.
/// I/O-free. All throw failure(invalid).
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace atrium::project {

std::string text_parameter(const boost::json::object&, std::string_view name);
/// Absent or null: nullopt.
std::optional<std::string> optional_text(const boost::json::object&, std::string_view name);
/// A whole number from 0 to `most`.
std::uint64_t number_parameter(const boost::json::object&, std::string_view name, std::uint64_t most);
std::optional<std::uint64_t> optional_number(const boost::json::object&, std::string_view name, std::uint64_t most);
std::vector<std::string> texts_parameter(const boost::json::object&, std::string_view name);
/// A clean path (files/home.hpp); absent with `or_home`: ".".
std::string path_parameter(const boost::json::object&, std::string_view name, bool or_home = false);

}  // namespace atrium::project
