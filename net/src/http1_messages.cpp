// The parts of the parser that differ between requests and responses.
#include "http1_chars.hpp"
#include "http1_parser.hpp"

namespace atrium::net::http1 {

bool request_parser::start_line(std::string_view line) {
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || first == last)
    return refuse(400, "The request line is malformed.");
  const auto method = line.substr(0, first), version = line.substr(last + 1);
  if (method.size() > 32 || !all_are(method, token_char)) return refuse(400, "The method is malformed.");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7]))
    return refuse(400, "The request line is malformed.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse(505, "This server speaks HTTP/1.1.");
  head.method = method;
  head.minor_version = version[7] == '1' ? 1 : 0;
  return target(line.substr(first + 1, last - first - 1));
}

bool request_parser::target(std::string_view text) {
  if (text.size() > limits_.target_bytes) return refuse(414, "The address asked for is too long.");
  if (!all_are(text, target_char)) return refuse(400, "The address asked for holds a character that must be encoded.");
  if (head.method == "CONNECT") return refuse(501, "This server is not a forward proxy.");
  if (text == "*") {
    if (head.method != "OPTIONS") return refuse(400, "The target * is for OPTIONS only.");
    head.target = text;
    return true;
  }
  if (!text.starts_with('/')) return absolute_target(text);
  // To browsers a backslash is a slash, to servers it is not: nobody may send it raw in a path.
  if (text.substr(0, text.find('?')).find('\\') != std::string_view::npos)
    return refuse(400, "The address asked for holds a character that must be encoded.");
  head.target = text;
  return true;
}

/// RFC 9112 section 3.2.2: the host in the target replaces the Host field.
bool request_parser::absolute_target(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos ||
      !(equal_nocase(text.substr(0, scheme), "http") || equal_nocase(text.substr(0, scheme), "https")))
    return refuse(400, "The address asked for is malformed.");
  const auto rest = text.substr(scheme + 3);
  const auto end = rest.find_first_of("/?");
  const auto authority = rest.substr(0, end);
  if (!valid_authority(authority)) return refuse(400, "The address asked for is malformed.");
  absolute_host_ = std::string(authority);
  const auto path = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  if (path.starts_with('/')) return target(path);
  return target("/" + std::string(path));
}

bool request_parser::host() {
  const auto given = head.headers.find("Host");
  if (!given && head.minor_version == 1) return refuse(400, "Host is missing.");
  if (given && head.headers.count("Host") > 1) return refuse(400, "Host is given more than once.");
  if (given && !valid_authority(*given)) return refuse(400, "Host is malformed.");
  if (absolute_host_) head.headers.set("Host", *absolute_host_);
  return true;
}

bool request_parser::finish() {
  const bool http10 = head.minor_version == 0;
  if (!host() || !read_framing(http10, framing::none) || !read_connection(http10)) return false;
  if (http10 || !head.headers.contains("Expect")) return true;  // RFC 9110 section 10.1.1: ignored in HTTP/1.0
  for (auto expect : head.headers.all("Expect"))
    if (!equal_nocase(expect, "100-continue")) return refuse(417, "This expectation cannot be met.");
  facts_.expects_continue = facts_.framing != framing::none;
  return true;
}

bool response_parser::start_line(std::string_view line) {
  // The space before an empty reason is often left out; nothing can be hidden there.
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !is_digit(line[7]) || line[8] != ' ')
    return refuse(502, "The answer is not HTTP/1.1.");
  const auto code = line.substr(9, 3), rest = line.substr(12);
  if (!is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) || code[0] < '1' || code[0] > '5')
    return refuse(502, "The answer has no valid status.");
  if (!rest.empty() && (rest[0] != ' ' || !all_value_chars(rest))) return refuse(502, "The status line is malformed.");
  status = static_cast<unsigned>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  http10_ = line[7] == '0';
  return true;
}

bool response_parser::finish() {
  if (!read_framing(http10_, framing::until_close) || !read_connection(http10_)) return false;
  if (status < 200 || status == 204 || status == 304 || to_head_) facts_.framing = framing::none;
  if (facts_.framing == framing::until_close) facts_.keep_alive = false;
  return true;
}

}  // namespace atrium::net::http1
