#include <algorithm>
#include <stdexcept>

#include "atrium/net/http.hpp"
#include "http1_chars.hpp"

namespace atrium::net {

bool equal_nocase(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

headers::headers(std::initializer_list<value_type> all) {
  for (const auto& [name, value] : all) add(name, value);
}

std::optional<std::string_view> headers::find(std::string_view name) const noexcept {
  for (const auto& f : fields_)
    if (equal_nocase(name_of(f), name)) return value_of(f);
  return std::nullopt;
}

std::vector<std::string_view> headers::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& f : fields_)
    if (equal_nocase(name_of(f), name)) out.push_back(value_of(f));
  return out;
}

std::size_t headers::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [&](const field& f) { return equal_nocase(name_of(f), name); }));
}

bool headers::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const auto& f : fields_) {
    if (!equal_nocase(name_of(f), name)) continue;
    for (std::string_view rest = value_of(f);;) {
      const auto comma = rest.find(',');
      if (equal_nocase(http1::trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

std::uint32_t headers::append(std::string_view a, std::string_view b) {
  const auto at = text_.size(), needed = at + a.size() + b.size();
  if (needed > UINT32_MAX) throw std::length_error("header fields of more than 4 GiB");
  if (needed <= text_.capacity()) {
    text_.append(a).append(b);
  } else {  // the old block stays until both are copied: they may stand in it
    std::string larger;
    larger.reserve(std::max<std::size_t>(1024, 2 * needed));
    larger.append(text_).append(a).append(b);
    text_ = std::move(larger);
  }
  return static_cast<std::uint32_t>(at);
}

void headers::add(std::string_view name, std::string_view value) {
  if (fields_.capacity() == 0) fields_.reserve(16);
  const auto sizes = std::pair(static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size()));
  const auto at = append(name, value);
  fields_.push_back({at, sizes.first, at + sizes.first, sizes.second});
}

void headers::set(std::string_view name, std::string_view value) {
  const auto is_it = [&](const field& f) { return equal_nocase(name_of(f), name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), is_it);
  if (first == fields_.end()) return add(name, value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), is_it), fields_.end());
  first->value_size = static_cast<std::uint32_t>(value.size());
  first->value = append(value, {});
}

std::size_t headers::erase(std::string_view name) noexcept {
  return std::erase_if(fields_, [&](const field& f) { return equal_nocase(name_of(f), name); });
}

}  // namespace atrium::net
