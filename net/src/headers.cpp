#include <algorithm>

#include "atrium/net/http.hpp"
#include "http1_chars.hpp"

namespace atrium::net {

bool equal_nocase(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> headers::find(std::string_view name) const noexcept {
  for (const auto& [n, v] : all_)
    if (equal_nocase(n, name)) return v;
  return std::nullopt;
}

std::vector<std::string_view> headers::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [n, v] : all_)
    if (equal_nocase(n, name)) out.emplace_back(v);
  return out;
}

bool headers::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const auto& [n, v] : all_) {
    if (!equal_nocase(n, name)) continue;
    for (std::string_view rest = v;;) {
      const auto comma = rest.find(',');
      if (equal_nocase(http1::trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

void headers::set(std::string_view name, std::string value) {
  const auto first = std::find_if(all_.begin(), all_.end(), [&](const auto& f) { return equal_nocase(f.first, name); });
  if (first == all_.end()) return add(std::string(name), std::move(value));
  first->second = std::move(value);
  all_.erase(std::remove_if(first + 1, all_.end(), [&](const auto& f) { return equal_nocase(f.first, name); }),
             all_.end());
}

std::size_t headers::erase(std::string_view name) {
  return std::erase_if(all_, [&](const auto& f) { return equal_nocase(f.first, name); });
}

}  // namespace atrium::net
