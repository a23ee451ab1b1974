#include "http1_writer.hpp"

#include <charconv>
#include <ctime>

#include "http1_chars.hpp"

namespace atrium::net::http1 {

namespace {

result<void> write_fields(std::string& out, const headers& fields) {
  std::size_t size = 2;
  for (const auto& [name, value] : fields) {
    if (name.empty() || !all_are(name, token_char) || !all_value_chars(value))
      return error(disposition::invalid, "A header field holds a character that must not stand there.")
          .with_peer_text(std::string(name));
    size += name.size() + value.size() + 4;
  }
  auto at = out.size();
  out.resize(at + size);
  const auto put = [&](std::string_view text) {
    text.copy(out.data() + at, text.size());
    at += text.size();
  };
  for (const auto& [name, value] : fields) {
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }
  put("\r\n");
  return {};
}

}  // namespace

result<void> write_request_head(std::string& out, const request& r) {
  if (r.method.empty() || !all_are(r.method, token_char) || r.target.empty() || !all_are(r.target, target_char))
    return error(disposition::invalid, "The address asked for holds a character that must be encoded.");
  out.append(r.method).append(" ").append(r.target).append(r.minor_version ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  return write_fields(out, r.headers);
}

result<void> write_response_head(std::string& out, unsigned status, const headers& fields) {
  if (status < 100 || status > 599)
    return error(disposition::invalid, "The status of an answer lies between 100 and 599.");
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_phrase(status)).append("\r\n");
  return write_fields(out, fields);
}

chunk_frame::chunk_frame(std::uint64_t size) noexcept {
  auto end = std::to_chars(buffer_.data(), buffer_.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  size_ = static_cast<std::size_t>(end - buffer_.data());
}

std::string_view http_date(std::int64_t unix_seconds) {
  static thread_local std::int64_t last = -1;
  static thread_local std::array<char, 40> text;
  static thread_local std::size_t size = 0;
  if (unix_seconds != last) {
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t t = unix_seconds;
    std::tm tm{};
    ::gmtime_r(&t, &tm);
    // strftime would follow the locale.
    size = static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                                  days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
                                                  tm.tm_hour, tm.tm_min, tm.tm_sec));
    last = unix_seconds;
  }
  return {text.data(), size};
}

std::string_view http_date_now() { return http_date(std::time(nullptr)); }

}  // namespace atrium::net::http1
