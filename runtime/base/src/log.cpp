#include "atrium/base/log.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include "atrium/base/assert.hpp"
#include "atrium/base/trace.hpp"

namespace atrium {

void assertion_failed(const char* expression, const char* file, int line, const char* message) noexcept {
  log::write(log::level::error, "assertion failed",
             {{"expression", expression}, {"file", file}, {"line", line}, {"promise", message}});
  std::abort();
}

namespace log {
namespace {

struct settings {
  std::string service = "atrium";
  level lowest = level::info;
  bool json = ::isatty(STDERR_FILENO) == 0;
};

settings& current() {
  static settings s;
  return s;
}

constexpr std::string_view names[] = {"debug", "info", "warn", "error"};  // by level

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          char escaped[8];
          std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
          out += escaped;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_field(std::string& out, bool json, std::string_view key, std::string_view text, bool quoted) {
  if (json) {
    if (out.size() > 1) out += ',';
    append_quoted(out, key);
    out += ':';
  } else {
    if (!out.empty()) out += ' ';
    out += key;
    out += '=';
  }
  const bool plain =
      !quoted || (!json && !text.empty() && text.find_first_of(" \"=\\\n\r\t") == std::string_view::npos);
  if (plain) out += text;
  else append_quoted(out, text);
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const auto n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

}  // namespace

field::field(std::string_view key, double value) : key_(key) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  text_ = text;
}

level level_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name) return static_cast<level>(i);
  return level::info;
}

void configure(std::string service, level lowest, format f) {
  auto& s = current();
  s.service = std::move(service);
  s.lowest = lowest;
  if (f != format::automatic) s.json = f == format::json;
}

void write(level l, std::string_view message, fields all) noexcept {
  const auto& s = current();
  if (l < s.lowest) return;
  try {
    std::string line;
    if (s.json) line += '{';
    append_field(line, s.json, "time", timestamp(), true);
    append_field(line, s.json, "level", names[static_cast<int>(l)], true);
    append_field(line, s.json, "service", s.service, true);
    append_field(line, s.json, "msg", message, true);
    if (const auto t = trace::current()) append_field(line, s.json, "trace", t.text(), true);
    for (const auto& f : all) append_field(line, s.json, f.key(), f.text(), f.quoted());
    if (s.json) line += '}';
    line += '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  } catch (...) {  // out of memory: a lost log line is the lesser evil
  }
}

}  // namespace log
}  // namespace atrium
