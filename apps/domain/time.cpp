#include "apps/domain/time.hpp"

#include <cstdio>

namespace atrium::domain {

namespace {

/// Takes `digits` decimal digits off the front.
bool take_number(std::string_view& text, std::size_t digits, int& into) {
  if (text.size() < digits) return false;
  into = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    into = into * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Milliseconds of ".123456"; what is finer is cut off.
bool take_fraction(std::string_view& text, int& milliseconds) {
  milliseconds = 0;
  if (!take(text, '.')) return true;
  int digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 3) milliseconds = milliseconds * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  for (int i = digits; i < 3; ++i) milliseconds *= 10;
  return digits > 0 && digits <= 9;
}

}  // namespace

timestamp now() noexcept {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string to_iso8601(timestamp t) {
  using namespace std::chrono;
  const auto day = floor<days>(t);
  const year_month_day date(day);
  const auto in_day = t - day;
  char text[80];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), int(duration_cast<hours>(in_day).count()),
                int(duration_cast<minutes>(in_day).count() % 60), int(duration_cast<seconds>(in_day).count() % 60),
                int(in_day.count() % 1000));
  return text;
}

result<timestamp> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [] { return error(disposition::invalid, "This is not a time as in 2026-07-03T12:34:56Z."); };
  int y, mo, d, h, mi, s, ms;
  if (!take_number(text, 4, y) || !take(text, '-') || !take_number(text, 2, mo) || !take(text, '-') ||
      !take_number(text, 2, d))
    return bad();
  if (!take(text, 'T') && !take(text, ' ')) return bad();
  if (!take_number(text, 2, h) || !take(text, ':') || !take_number(text, 2, mi) || !take(text, ':') ||
      !take_number(text, 2, s))
    return bad();
  if (!take_fraction(text, ms)) return bad();
  if (!text.empty() && text != "Z" && text != "+00" && text != "+00:00") return bad();
  const year_month_day date(year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d)));
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return bad();  // 60: a leap second counts as the next one
  return timestamp(sys_days(date)) + hours(h) + minutes(mi) + seconds(s) + milliseconds(ms);
}

}  // namespace atrium::domain
