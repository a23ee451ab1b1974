// Requests and responses as values.
#include <charconv>

#include "atrium/base/trace.hpp"
#include "atrium/net/http.hpp"
#include "http1_chars.hpp"

namespace atrium::net {

std::string_view request::path() const noexcept { return std::string_view(target).substr(0, target.find('?')); }

std::string_view request::query() const noexcept {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::optional<std::string> request::query_value(std::string_view name) const {
  for (auto& [n, v] : parse_form(query()))
    if (n == name) return std::move(v);
  return std::nullopt;
}

std::vector<std::string_view> request::cookies(std::string_view name) const {
  std::vector<std::string_view> out;
  for (auto [field, rest] : headers) {
    if (!equal_nocase(field, "Cookie")) continue;
    while (!rest.empty()) {
      const auto pair = http1::trim(rest.substr(0, rest.find(';')));
      rest.remove_prefix(
          std::min(rest.size(), rest.find(';') == std::string_view::npos ? rest.size() : rest.find(';') + 1));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) out.push_back(pair.substr(equals + 1));
    }
  }
  return out;
}

namespace {

response with_type(unsigned status, const char* type, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", type}, {"X-Content-Type-Options", "nosniff"}},
          .body = std::move(body)};
}

std::string json_string(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out.append({'\\', c});
    else if (byte < 0x20 || c == '<') out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    else out += c;
  }
  return out + "\"";
}

}  // namespace

response response::text(unsigned status, std::string body) {
  return with_type(status, "text/plain; charset=utf-8", std::move(body));
}
response response::html(unsigned status, std::string body) {
  return with_type(status, "text/html; charset=utf-8", std::move(body));
}
response response::json(unsigned status, std::string serialized) {
  return with_type(status, "application/json", std::move(serialized));
}

response response::redirect(std::string location, unsigned status) {
  return {.status = status, .headers = {{"Location", std::move(location)}}, .body = {}};
}

response response::of(const error& e) {
  unsigned status = http_status(e.disposition());
  if (const std::string_view code = e.code(); code.size() == 8 && code.starts_with("http.")) {
    unsigned given = 0;
    if (std::from_chars(code.data() + 5, code.data() + 8, given).ec == std::errc() && given >= 400 && given <= 599)
      status = given;
  }
  const auto traced = trace::current();
  return json(status,
              "{\"error\":" + json_string(e.public_text()) + (traced ? ",\"trace\":\"" + traced.text() + "\"}" : "}"));
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Other";
  }
}

}  // namespace atrium::net
