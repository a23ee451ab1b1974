#include <charconv>

#include "atrium/net/client.hpp"
#include "http1_parser.hpp"

namespace atrium::net {

result<origin> origin::parse(std::string_view url) {
  const auto wrong = [] {
    return error(disposition::invalid, "An address such as http://host:port, https://host or unix:/path is expected.");
  };
  origin o;
  if (url.starts_with("unix:")) {
    o.unix_socket = url.substr(5);
    if (!o.unix_socket.starts_with('/') || o.unix_socket.size() > 107) return wrong();
    o.host = "localhost";
    return o;
  }
  if (url.starts_with("https://")) {
    o.secure = true;
    o.port = 443;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return wrong();
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  if (!http1::valid_authority(url)) return wrong();
  const auto bracket = url.find(']');
  const auto colon = url.find(':', bracket == std::string_view::npos ? 0 : bracket);
  o.host = url.substr(0, colon);
  if (colon != std::string_view::npos) {
    const auto digits = url.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), o.port);
  }
  return o;
}

std::string origin::authority() const {
  const bool usual = !unix_socket.empty() || port == (secure ? 443 : 80);
  const std::string name = host.find(':') != std::string::npos && !host.starts_with('[') ? "[" + host + "]" : host;
  return usual ? name : name + ":" + std::to_string(port);
}

}  // namespace atrium::net
