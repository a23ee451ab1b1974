// The kinds of values that a setting can have: reading and showing them.
#include <charconv>
#include <cmath>
#include <cstdio>

#include "atrium/base/settings.hpp"

namespace atrium {

namespace {

template <class N>
std::string assign_number(std::string_view text, N& into) {
  N value{};
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (e == std::errc::result_out_of_range) return "the number is out of range";
  if (e != std::errc() || end != text.data() + text.size()) return "a number is expected";
  into = value;
  return {};
}

std::string show_duration(std::chrono::nanoseconds d) {
  using namespace std::chrono;
  constexpr std::pair<std::int64_t, const char*> units[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}};
  const auto ms = duration_cast<milliseconds>(d).count();
  for (auto [size, unit] : units)
    if (ms && ms % size == 0) return std::to_string(ms / size) + unit;
  return std::to_string(ms) + "ms";
}

std::string join(const std::vector<std::string>& all, std::string_view between) {
  std::string out;
  for (const auto& one : all) out.append(out.empty() ? "" : between).append(one);
  return out;
}

}  // namespace

result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  static constexpr std::pair<std::string_view, double> units[] = {
      {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
  double value = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (e == std::errc() && std::isfinite(value) && value >= 0)
    for (auto [unit, size] : units)
      if (std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)) == unit &&
          value * size < 9e18)
        return std::chrono::nanoseconds(static_cast<std::int64_t>(std::llround(value * size)));
  return error(disposition::invalid, "a time with its unit is expected, such as 250ms, 30s, 5m or 2h")
      .with_code("settings");
}

settings::entry& settings::add(std::string name, std::string placeholder, std::string help, std::string& into) {
  auto& e = make(std::move(name), std::move(placeholder), std::move(help));
  e.assign_ = [&into](std::string_view v) { return into = v, std::string(); };
  e.show_ = [&into] { return into; };
  return e;
}

#define ATRIUM_NUMBER_SETTING(type)                                                                         \
  settings::entry& settings::add(std::string name, std::string placeholder, std::string help, type& into) { \
    auto& e = make(std::move(name), std::move(placeholder), std::move(help));                               \
    e.assign_ = [&into](std::string_view v) { return assign_number(v, into); };                             \
    e.show_ = [&into] { return std::to_string(into); };                                                     \
    return e;                                                                                               \
  }
ATRIUM_NUMBER_SETTING(std::int64_t)
ATRIUM_NUMBER_SETTING(std::uint16_t)
ATRIUM_NUMBER_SETTING(unsigned)
#undef ATRIUM_NUMBER_SETTING

settings::entry& settings::add(std::string name, std::string placeholder, std::string help, double& into) {
  auto& e = make(std::move(name), std::move(placeholder), std::move(help));
  e.assign_ = [&into](std::string_view v) -> std::string {
    double value = 0;
    if (auto what = assign_number(v, value); !what.empty()) return what;
    if (!std::isfinite(value)) return "a number is expected";
    into = value;
    return {};
  };
  e.show_ = [&into] {
    char buffer[32];
    return std::string(buffer, static_cast<std::size_t>(std::snprintf(buffer, sizeof buffer, "%g", into)));
  };
  return e;
}

settings::entry& settings::add(std::string name, std::string placeholder, std::string help, duration& into) {
  auto& e = make(std::move(name), std::move(placeholder), std::move(help));
  e.assign_ = [&into](std::string_view v) -> std::string {
    auto parsed = parse_duration(v);
    if (!parsed) return parsed.error().public_text();
    into = *parsed;
    return {};
  };
  e.show_ = [&into] { return show_duration(into); };
  return e;
}

settings::entry& settings::add(std::string name, std::string placeholder, std::string help,
                               std::vector<std::string>& into) {
  auto& e = make(std::move(name), std::move(placeholder), std::move(help));
  e.list_ = true;
  e.assign_ = [&into](std::string_view v) { return into.emplace_back(v), std::string(); };
  e.clear_ = [&into] { into.clear(); };
  e.show_ = [&into] { return join(into, ","); };
  return e;
}

settings::entry& settings::add(std::string name, std::string help, bool& into) {
  auto& e = make(std::move(name), "", std::move(help));
  e.flag_ = true;
  e.assign_ = [&into](std::string_view v) -> std::string {
    if (v != "true" && v != "false" && v != "1" && v != "0") return "true or false is expected";
    into = v == "true" || v == "1";
    return {};
  };
  e.show_ = [&into] { return std::string(into ? "true" : "false"); };
  return e;
}

}  // namespace atrium
