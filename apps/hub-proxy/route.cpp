#include "apps/hub-proxy/route.hpp"

#include "apps/domain/credentials.hpp"
#include "apps/operations/auth.hpp"

namespace atrium::hub_proxy {

namespace {

constexpr std::pair<std::string_view, destination> destinations[] = {
    {"files", destination::files},   {"raw", destination::raw},     {"port", destination::port},
    {"server", destination::server}, {"proxy", destination::proxy}, {"ws", destination::ws}};

constexpr std::size_t uuid_size = 36, session_cookies = 4;

}  // namespace

std::optional<route> parse_route(std::string_view target) {
  if (target.size() < uuid_size + 2 || target[0] != '/' || target[uuid_size + 1] != '/') return std::nullopt;
  auto project = domain::project_id::parse(target.substr(1, uuid_size));
  if (!project) return std::nullopt;
  const auto rest = target.substr(uuid_size + 1);
  const auto path = rest.substr(0, rest.find('?'));
  const auto word = path.substr(1, path.find('/', 1) - 1);
  for (const auto& [name, kind] : destinations) {
    if (word != name) continue;
    // Only the WebSocket is a thing of its own; the others need something below them.
    if ((kind == destination::ws) != (path.size() == name.size() + 1)) return std::nullopt;
    return route{.project = *project, .kind = kind, .target = rest};
  }
  return std::nullopt;
}

std::vector<credential> credentials_of(const net::request& r) {
  if (const auto key = operations::api_key_of(r); !key.empty()) {
    const auto parts = domain::parse_api_key(key);
    if (!parts) return {};
    return {{.session = false, .hash = domain::api_key_hash(key), .key_id = parts->id}};
  }
  std::vector<credential> out;
  for (const auto token : r.cookies(domain::session_cookie_name))
    if (domain::looks_like_session_token(token) && out.size() < session_cookies)
      out.push_back({.session = true, .hash = domain::session_hash(token), .key_id = 0});
  return out;
}

bool wants_websocket(const net::request& r) { return r.headers.has_token("Upgrade", "websocket"); }

bool is_navigation(const net::request& r) {
  if ((r.method != "GET" && r.method != "HEAD") || wants_websocket(r)) return false;
  const auto accept = r.headers.find("Accept");
  return accept && accept->find("text/html") != std::string_view::npos;
}

bool origin_allowed(const net::request& r, bool by_session) {
  if (wants_websocket(r)) return r.headers.contains("Origin") ? operations::same_origin(r) : !by_session;
  if (!by_session || r.method == "GET" || r.method == "HEAD" || r.method == "OPTIONS") return true;
  return operations::same_origin(r);
}

}  // namespace atrium::hub_proxy
