// Where a request comes from, by its headers.
#include <arpa/inet.h>

#include <algorithm>

#include "apps/operations/auth.hpp"

namespace atrium::operations {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return out;
}

/// host[:port] of a URL, in lower case, without the scheme's own port; empty when it is no http URL.
std::string authority_of(std::string_view url) {
  const auto text = lower(url);
  std::string_view rest = text, own_port;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    own_port = ":80";
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    own_port = ":443";
  } else {
    return {};
  }
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.find('@') != std::string_view::npos) return {};
  if (rest.ends_with(own_port)) rest.remove_suffix(own_port.size());
  return std::string(rest);
}

/// The host that the client asked for.
std::string own_authority(const net::request& request) {
  auto host = request.headers.find("X-Forwarded-Host");
  if (!host) host = request.headers.find("Host");
  if (!host) return {};
  return authority_of((came_by_tls(request) ? "https://" : "http://") + std::string(*host));
}

std::string_view last_element(std::string_view list) {
  if (const auto comma = list.rfind(','); comma != std::string_view::npos) list.remove_prefix(comma + 1);
  while (list.starts_with(' ')) list.remove_prefix(1);
  while (list.ends_with(' ')) list.remove_suffix(1);
  return list;
}

/// The address in "1.2.3.4", "1.2.3.4:5", "::1" or "[::1]:5"; empty when there is none.
std::string address_in(std::string_view text) {
  unsigned char bytes[16];
  if (text.find('\0') != std::string_view::npos) return {};  // what stands behind it would not be looked at
  std::string host(text);
  if (host.starts_with('[')) host = host.substr(1, host.find(']') - 1);
  else if (std::count(host.begin(), host.end(), ':') == 1) host.resize(host.find(':'));
  const bool valid = inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
  return valid ? host : std::string();
}

}  // namespace

bool came_by_tls(const net::request& request) {
  const auto scheme = request.headers.find("X-Forwarded-Proto");
  return scheme && net::equal_nocase(last_element(*scheme), "https");
}

bool same_origin(const net::request& request) {
  const auto own = own_authority(request);
  // A page that came without TLS may be anybody's; the other way round, TLS may end in front of the edge.
  const auto ours = [&](std::string_view url) {
    return !own.empty() && authority_of(url) == own && (!came_by_tls(request) || lower(url).starts_with("https:"));
  };
  if (const auto origin =
          request.headers.find("Origin"))  // RFC 6454 section 7: scheme, host and port, nothing behind them
    return ours(*origin) && origin->find_first_of("/?#", origin->find("://") + 3) == std::string_view::npos;
  if (const auto site = request.headers.find("Sec-Fetch-Site")) return *site == "same-origin" || *site == "none";
  if (const auto referer = request.headers.find("Referer")) return ours(*referer);
  return true;
}

std::string client_address(const net::request& request, std::string_view peer) {
  if (const auto forwarded = request.headers.find("X-Forwarded-For"))
    if (auto address = address_in(last_element(*forwarded)); !address.empty()) return address;
  return address_in(peer);
}

}  // namespace atrium::operations
