/// @file proxy_rules.hpp - what of a message crosses a proxy, and how. I/O-free. Layer: net, private.
#pragma once

#include "atrium/net/proxy.hpp"

namespace atrium::net {

/// Where a request came from, as this hop saw it.
struct proxy_hop {
  std::string_view client_address;
  bool secure = false;
};

/// True for a request that asks for WebSocket and nothing else.
bool asks_for_websocket(const request&) noexcept;
/// True when `answer` accepts the WebSocket handshake of a request with this key.
bool accepts_websocket(const headers& answer, std::string_view key);

/// The request as the upstream gets it. `upgrade`: keep what a WebSocket handshake needs.
request upstream_request(const request& from, const proxy_target&, const proxy_hop&, bool upgrade);
/// Fields of the answer as the client gets them. For a 101, those of the handshake are kept.
headers client_headers(unsigned status, headers from, const proxy_target&);

/// A Cookie line without the cookies of these names (compared without case); empty when nothing is left.
std::string without_cookies(std::string_view line, std::span<const std::string_view> names);
/// A Set-Cookie value that is fit to pass on; nullopt when its name is refused or missing.
std::optional<std::string> clean_set_cookie(std::string_view value, std::span<const std::string_view> refused);

}  // namespace atrium::net
