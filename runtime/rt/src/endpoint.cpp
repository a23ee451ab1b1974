#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>

#include "atrium/rt/io.hpp"

namespace atrium::rt {
namespace {
[[noreturn]] void bad(std::string_view text) {
  fail(disposition::invalid,
       "'" + std::string(text) + "' is not an address. Write host:port, [ipv6]:port or unix:/path.");
}
}  // namespace

endpoint endpoint::parse(std::string_view text) {
  if (text.starts_with("unix:")) return unix_path(text.substr(5));
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) bad(text);
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) bad(text);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  return ip(host, port);
}

endpoint endpoint::unix_path(std::string_view path) {
  endpoint e;
  auto* un = reinterpret_cast<sockaddr_un*>(&e.storage_);
  if (path.empty() || path.size() >= sizeof un->sun_path)
    fail(disposition::invalid,
         "The socket path '" + std::string(path) + "' is empty or longer than 107 bytes. Use a shorter folder.");
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  e.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return e;
}

endpoint endpoint::ip(std::string_view address, std::uint16_t port) {
  const std::string text(address);
  endpoint e;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&e.storage_);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&e.storage_);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    e.size_ = sizeof(sockaddr_in);
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    e.size_ = sizeof(sockaddr_in6);
  } else {
    bad(address);
  }
  return e;
}

endpoint endpoint::from(const sockaddr* address, socklen_t length) {
  endpoint e;
  e.size_ = std::min<socklen_t>(length, sizeof e.storage_);
  std::memcpy(&e.storage_, address, e.size_);
  return e;
}

std::uint16_t endpoint::port() const noexcept {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

std::string endpoint::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text, sizeof text);
  else if (family() == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr, text, sizeof text);
  else if (family() == AF_UNIX && size_ > offsetof(sockaddr_un, sun_path))
    return std::string(reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path);
  return text;
}

std::string endpoint::text() const {
  if (family() == AF_UNIX) return "unix:" + host();
  return (family() == AF_INET6 ? "[" + host() + "]" : host()) + ":" + std::to_string(port());
}

}  // namespace atrium::rt
