#include "apps/project/http/range.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace atrium::project {

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return n;
}

}  // namespace

range_answer parse_range(std::string_view field, std::uint64_t size, byte_range& out) {
  constexpr std::string_view unit = "bytes=";
  if (!field.starts_with(unit)) return range_answer::whole;
  field.remove_prefix(unit.size());
  const auto dash = field.find('-');
  if (dash == std::string_view::npos || field.find(',') != std::string_view::npos) return range_answer::whole;
  const auto first = number(field.substr(0, dash)), last = number(field.substr(dash + 1));
  if (dash == 0) {  // the last n bytes
    if (!last) return range_answer::whole;
    if (*last == 0 || size == 0) return range_answer::unsatisfiable;
    out.length = std::min(*last, size);
    out.first = size - out.length;
    return range_answer::part;
  }
  if (!first || (!last && dash + 1 != field.size()) || (last && *last < *first)) return range_answer::whole;
  if (*first >= size) return range_answer::unsatisfiable;
  out.first = *first;
  out.length = std::min(last.value_or(size - 1), size - 1) - *first + 1;
  return range_answer::part;
}

std::string_view content_type_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> types[] = {
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"csv", "text/csv; charset=utf-8"},
      {"xml", "application/xml"},
      {"pdf", "application/pdf"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"svg", "image/svg+xml"},
      {"ico", "image/vnd.microsoft.icon"},
      {"mp3", "audio/mpeg"},
      {"wav", "audio/wav"},
      {"ogg", "audio/ogg"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
      {"wasm", "application/wasm"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
      {"tar", "application/x-tar"},
      {"ipynb", "application/x-ipynb+json"},
      {"py", "text/plain; charset=utf-8"},
      {"c", "text/plain; charset=utf-8"},
      {"cpp", "text/plain; charset=utf-8"},
      {"h", "text/plain; charset=utf-8"},
      {"hpp", "text/plain; charset=utf-8"},
      {"rs", "text/plain; charset=utf-8"},
      {"go", "text/plain; charset=utf-8"},
      {"sh", "text/plain; charset=utf-8"},
      {"ts", "text/plain; charset=utf-8"},
      {"tex", "text/plain; charset=utf-8"},
      {"log", "text/plain; charset=utf-8"},
      {"yaml", "text/plain; charset=utf-8"},
      {"yml", "text/plain; charset=utf-8"},
      {"toml", "text/plain; charset=utf-8"},
      {"r", "text/plain; charset=utf-8"},
      {"jl", "text/plain; charset=utf-8"},
      {"java", "text/plain; charset=utf-8"},
  };
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return "application/octet-stream";
  std::string extension(name.substr(dot + 1));
  std::ranges::transform(extension, extension.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const auto& [known, type] : types)
    if (known == extension) return type;
  return "application/octet-stream";
}

}  // namespace atrium::project
