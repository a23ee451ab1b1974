#include "apps/devcluster/store/selectors.hpp"

#include <algorithm>

namespace atrium::devcluster {

namespace {

constexpr std::string_view blank = " \t\r\n";

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Parts between commas that stand outside of parentheses.
result<std::vector<std::string_view>> split_outside_parentheses(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      parts.push_back(trimmed(text.substr(start, i - start)));
      start = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth < 0) {
      break;
    }
  }
  if (depth != 0)
    return api_error("BadRequest", "unable to parse requirement: parentheses do not match in the selector.");
  return parts;
}

bool label_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= 317 && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

bool label_value(std::string_view value) noexcept {
  return value.size() <= 63 && std::all_of(value.begin(), value.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '_' || c == '.';
         });
}

std::vector<std::string> split_values(std::string_view inside) {
  std::vector<std::string> values;
  for (std::size_t start = 0; start <= inside.size();) {
    const auto comma = std::min(inside.find(',', start), inside.size());
    values.emplace_back(trimmed(inside.substr(start, comma - start)));
    start = comma + 1;
  }
  return values;
}

}  // namespace

result<label_selector> label_selector::parse(std::string_view text) {
  label_selector out;
  if (trimmed(text).empty()) return out;
  auto parts = split_outside_parentheses(text);
  if (!parts) return parts.error();
  for (const auto part : *parts) {
    requirement r;
    std::string_view key = part;
    const auto set = part.find('(');
    if (set != std::string_view::npos) {
      const auto head = trimmed(part.substr(0, set));
      const auto space = head.find_first_of(blank);
      const auto word = space == std::string_view::npos ? std::string_view() : trimmed(head.substr(space));
      if ((word != "in" && word != "notin") || part.back() != ')')
        return api_error("BadRequest", "unable to parse requirement: expected 'in (...)' or 'notin (...)'.");
      key = head.substr(0, space);
      r.what = word == "in" ? verb::in : verb::not_in;
      r.values = split_values(part.substr(set + 1, part.size() - set - 2));
    } else if (const auto at = part.find_first_of("=!<>", 1); at != std::string_view::npos) {
      key = trimmed(part.substr(0, at));
      auto value = part.substr(at + 1);
      r.what = part[at] == '!'   ? verb::not_in
               : part[at] == '=' ? verb::in
               : part[at] == '>' ? verb::greater
                                 : verb::less;
      if (part[at] == '!' && (value.empty() || value.front() != '='))
        return api_error("BadRequest", "unable to parse requirement: expected '!='.");
      if ((part[at] == '!' || part[at] == '=') && !value.empty() && value.front() == '=') value.remove_prefix(1);
      r.values.emplace_back(trimmed(value));
      if ((r.what == verb::greater || r.what == verb::less) && !whole_number<std::int64_t>(r.values[0]))
        return api_error("BadRequest", "for 'Gt', 'Lt' operators, the value must be an integer.");
    } else if (part.starts_with('!')) {
      key = trimmed(part.substr(1));
      r.what = verb::absent;
    } else {
      r.what = verb::exists;
    }
    if (!label_key(key))
      return api_error("BadRequest", "unable to parse requirement: '" + std::string(key) + "' is not a label key.");
    for (const auto& value : r.values)
      if (!label_value(value))
        return api_error("BadRequest", "unable to parse requirement: '" + value + "' is not a label value.");
    r.key = key;
    out.requirements_.push_back(std::move(r));
  }
  return out;
}

bool label_selector::matches(const json::object& labels) const {
  for (const auto& r : requirements_) {
    const auto* found = labels.if_contains(r.key);
    const auto* text = found ? found->if_string() : nullptr;
    const bool listed = text && std::find(r.values.begin(), r.values.end(), as_view(*text)) != r.values.end();
    bool ok = false;
    switch (r.what) {
      case verb::in:
        ok = listed;
        break;
      case verb::not_in:
        ok = !listed;
        break;
      case verb::exists:
        ok = text;
        break;
      case verb::absent:
        ok = !text;
        break;
      case verb::greater:
      case verb::less: {
        const auto n = text ? whole_number<std::int64_t>(as_view(*text)) : std::nullopt;
        const auto bound = whole_number<std::int64_t>(r.values[0]);
        ok = n && (r.what == verb::greater ? *n > *bound : *n < *bound);
        break;
      }
    }
    if (!ok) return false;
  }
  return true;
}

result<field_selector> field_selector::parse(std::string_view text, const resource_type& type) {
  field_selector out;
  if (trimmed(text).empty()) return out;
  for (const auto& part : split_values(text)) {
    if (part.empty()) continue;
    const auto at = part.find_first_of("=!");
    if (at == std::string::npos || (part[at] == '!' && part.substr(at, 2) != "!="))
      return api_error("BadRequest", "invalid selector: '" + part + "'; can't understand '" + part + "'");
    requirement r{.path = {}, .value = {}, .equal = part[at] == '='};
    std::string_view value = std::string_view(part).substr(at + 1);
    if (!value.empty() && value.front() == '=') value.remove_prefix(1);
    r.value = trimmed(value);
    const auto name = trimmed(std::string_view(part).substr(0, at));
    const bool known = name == "metadata.name" || (name == "metadata.namespace" && type.namespaced) ||
                       std::find(type.field_labels.begin(), type.field_labels.end(), name) != type.field_labels.end();
    if (!known) return api_error("BadRequest", "field label not supported: " + std::string(name));
    for (std::size_t start = 0; start <= name.size();) {
      const auto dot = std::min(name.find('.', start), name.size());
      r.path.emplace_back(name.substr(start, dot - start));
      start = dot + 1;
    }
    out.requirements_.push_back(std::move(r));
  }
  return out;
}

bool field_selector::matches(const json::value& object) const {
  for (const auto& r : requirements_) {
    const json::value* at = &object;
    for (const auto& step : r.path)
      if (at) at = find(*at, {step});
    std::string actual = at ? scalar_text(*at) : std::string();
    // Booleans that are left out read as false, as they do in Kubernetes' typed objects.
    if (!at && (r.path.back() == "unschedulable" || r.path.back() == "hostNetwork")) actual = "false";
    if ((actual == r.value) != r.equal) return false;
  }
  return true;
}

bool selector::matches(const json::value& object) const {
  return fields.matches(object) && (labels.everything() || labels.matches(object_at(object, {"metadata", "labels"})));
}

}  // namespace atrium::devcluster
