/// @file route.hpp - what a request asks for and by which credentials. I/O-free. Layer: apps/hub-proxy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/domain/content.hpp"
#include "apps/domain/ids.hpp"
#include "atrium/net/http.hpp"

namespace atrium::hub_proxy {

enum class destination : std::uint8_t { files, raw, port, server, proxy, ws };

struct route {
  domain::project_id project;
  destination kind = destination::files;
  std::string_view target;                            ///< for the project: path and query without "/<uuid>"
  std::optional<domain::content_place> content = {};  ///< asked for at a content host (content.hpp)
};
/// nullopt: not an address of a project at the application's origin. The route refers to `target`.
std::optional<route> parse_route(std::string_view target);

/// A way to prove who asks. Only hashes: the text is a key in memory.
struct credential {
  bool session = false;
  std::string hash;  ///< of the session's token or of the API key
  std::int64_t key_id = 0;
  auto operator<=>(const credential&) const = default;
};
/// An API key alone, else up to four session cookies of that name, in order.
std::vector<credential> credentials_of(const net::request&);

bool wants_websocket(const net::request&);
/// A person who opens a page, rather than a script or a program: gets an answer in words.
bool is_navigation(const net::request&);
/// Whether the page that sent a request may do so in its user's name. Cookies need our own origin for WebSockets and
/// for everything that changes something; API keys cannot be sent by foreign pages, but a foreign Origin is still
/// refused for WebSockets.
bool origin_allowed(const net::request&, bool by_session);

}  // namespace atrium::hub_proxy
