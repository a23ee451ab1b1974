#include "atrium/k8s/time.hpp"

#include <cstdio>

namespace atrium::k8s {

using namespace std::chrono;

namespace {

// Reads exactly `digits` digits; -1 when there are not so many.
int number(std::string_view text, std::size_t& at, std::size_t digits) noexcept {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  at += digits;
  return value;
}

bool literal(std::string_view text, std::size_t& at, char c) noexcept {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

std::string format(wall_time when, int digits) {
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{floor<microseconds>(when - day)};
  char out[64];
  int n = std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()), unsigned(date.month()),
                        unsigned(date.day()), int(time.hours().count()), int(time.minutes().count()),
                        int(time.seconds().count()));
  const long micros = static_cast<long>(time.subseconds().count());
  if (digits == 3) n += std::snprintf(out + n, sizeof out - std::size_t(n), ".%03ld", micros / 1000);
  if (digits == 6) n += std::snprintf(out + n, sizeof out - std::size_t(n), ".%06ld", micros);
  return std::string(out, std::size_t(n)) + "Z";
}

}  // namespace

std::optional<wall_time> parse_time(std::string_view text) noexcept {
  std::size_t at = 0;
  const int y = number(text, at, 4);
  if (y < 0 || !literal(text, at, '-')) return std::nullopt;
  const int mo = number(text, at, 2);
  if (mo < 1 || !literal(text, at, '-')) return std::nullopt;
  const int d = number(text, at, 2);
  if (d < 1 || (!literal(text, at, 'T') && !literal(text, at, 't') && !literal(text, at, ' '))) return std::nullopt;
  const int h = number(text, at, 2);
  if (h < 0 || h > 23 || !literal(text, at, ':')) return std::nullopt;
  const int mi = number(text, at, 2);
  if (mi < 0 || mi > 59 || !literal(text, at, ':')) return std::nullopt;
  const int s = number(text, at, 2);
  if (s < 0 || s > 60) return std::nullopt;
  const year_month_day date{year{y}, month{unsigned(mo)}, day{unsigned(d)}};
  // The clock counts nanoseconds in 64 bits: it can say 1678 to 2261.
  if (!date.ok() || y < 1700 || y > 2200) return std::nullopt;

  std::int64_t micros = 0;
  if (literal(text, at, '.')) {
    std::int64_t scale = 100'000;
    const std::size_t start = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      micros += (text[at] - '0') * scale;
    if (at == start) return std::nullopt;
  }
  int offset = 0;
  if (!literal(text, at, 'Z') && !literal(text, at, 'z')) {
    const bool plus = literal(text, at, '+');
    if (!plus && !literal(text, at, '-')) return std::nullopt;
    const int oh = number(text, at, 2);
    if (oh < 0 || oh > 23 || !literal(text, at, ':')) return std::nullopt;
    const int om = number(text, at, 2);
    if (om < 0 || om > 59) return std::nullopt;
    offset = (plus ? 1 : -1) * (oh * 60 + om);
  }
  if (at != text.size()) return std::nullopt;
  return wall_time(sys_days{date} + hours{h} + minutes{mi} + seconds{s} + microseconds{micros} - minutes{offset});
}

std::string format_seconds(wall_time when) { return format(when, 0); }
std::string format_millis(wall_time when) { return format(when, 3); }
std::string format_micros(wall_time when) { return format(when, 6); }

}  // namespace atrium::k8s
