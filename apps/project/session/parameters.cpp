#include "apps/project/session/parameters.hpp"

#include "apps/project/files/home.hpp"

namespace atrium::project {

namespace {

[[noreturn]] void wrong(std::string_view name, const char* expected) {
  fail(disposition::invalid, "The parameter \"" + std::string(name) + "\" must be " + expected + ".");
}

const boost::json::value* given(const boost::json::object& all, std::string_view name) {
  const auto* v = all.if_contains(name);
  return v && !v->is_null() ? v : nullptr;
}

}  // namespace

std::optional<std::string> optional_text(const boost::json::object& all, std::string_view name) {
  const auto* v = given(all, name);
  if (!v) return std::nullopt;
  const auto* text = v->if_string();
  if (!text) wrong(name, "a text");
  return std::string(text->data(), text->size());
}

std::string text_parameter(const boost::json::object& all, std::string_view name) {
  auto text = optional_text(all, name);
  if (!text) wrong(name, "given, as a text");
  return std::move(*text);
}

std::optional<std::uint64_t> optional_number(const boost::json::object& all, std::string_view name,
                                             std::uint64_t most) {
  const auto* v = given(all, name);
  if (!v) return std::nullopt;
  boost::json::error_code problem;
  const auto n = v->to_number<std::uint64_t>(problem);
  if (problem || n > most) wrong(name, ("a whole number from 0 to " + std::to_string(most)).c_str());
  return n;
}

std::uint64_t number_parameter(const boost::json::object& all, std::string_view name, std::uint64_t most) {
  const auto n = optional_number(all, name, most);
  if (!n) wrong(name, "given, as a whole number");
  return *n;
}

std::vector<std::string> texts_parameter(const boost::json::object& all, std::string_view name) {
  const auto* v = given(all, name);
  const auto* array = v ? v->if_array() : nullptr;
  if (!array) wrong(name, "a list of texts");
  std::vector<std::string> out;
  for (const auto& item : *array) {
    const auto* text = item.if_string();
    if (!text) wrong(name, "a list of texts");
    out.emplace_back(text->data(), text->size());
  }
  return out;
}

std::string path_parameter(const boost::json::object& all, std::string_view name, bool or_home) {
  const auto text = or_home ? optional_text(all, name).value_or("") : text_parameter(all, name);
  return clean_path(text).value();
}

}  // namespace atrium::project
