#include "proxy_rules.hpp"

#include <algorithm>
#include <set>

#include "atrium/net/websocket_codec.hpp"
#include "http1_chars.hpp"

namespace atrium::net {

namespace {

/// Lower case with '-' for '_', because some servers read X_Forwarded_For as X-Forwarded-For.
std::string normalized(std::string_view name) {
  std::string out(name);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (c == '_') c = '-';
  }
  return out;
}

template <class Visit>
void each_piece(std::string_view text, char separator, Visit visit) {
  for (;;) {
    const auto end = text.find(separator);
    visit(http1::trim(text.substr(0, end)));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

bool contains_nocase(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](const auto& n) { return equal_nocase(n, name); });
}

/// RFC 9110 section 7.6.1, and what Connection names.
std::set<std::string> hop_fields(const headers& from) {
  std::set<std::string> out{
      "connection", "keep-alive",        "proxy-connection", "proxy-authenticate", "proxy-authorization",      "te",
      "trailer",    "transfer-encoding", "upgrade",          "http2-settings",     "proxy-authentication-info"};
  for (auto line : from.all("Connection"))
    each_piece(line, ',', [&out](std::string_view token) {
      if (!token.empty()) out.insert(normalized(token));
    });
  return out;
}

bool is_forwarding_field(std::string_view name) {
  return name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-") || name == "x-original-url" ||
         name == "x-rewrite-url";
}

constexpr std::string_view handshake_fields[] = {"sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
                                                 "sec-websocket-extensions", "sec-websocket-accept"};

bool is_handshake_field(std::string_view name) {
  return std::find(std::begin(handshake_fields), std::end(handshake_fields), name) != std::end(handshake_fields);
}

}  // namespace

bool asks_for_websocket(const request& r) noexcept {
  const auto upgrades = r.headers.all("Upgrade");
  return r.minor_version >= 1 && upgrades.size() == 1 && equal_nocase(upgrades[0], "websocket") &&
         r.headers.has_token("Connection", "Upgrade");
}

bool accepts_websocket(const headers& answer, std::string_view key) {
  const auto accepts = answer.all("Sec-WebSocket-Accept");
  return answer.has_token("Upgrade", "websocket") && answer.has_token("Connection", "Upgrade") && accepts.size() == 1 &&
         accepts[0] == ws::handshake_accept(key);
}

std::string without_cookies(std::string_view line, const std::vector<std::string>& names) {
  std::string out;
  each_piece(line, ';', [&](std::string_view pair) {
    if (pair.empty() || contains_nocase(names, http1::trim(pair.substr(0, pair.find('='))))) return;
    if (!out.empty()) out += "; ";
    out += pair;
  });
  return out;
}

std::optional<std::string> clean_set_cookie(std::string_view value, const std::vector<std::string>& refused) {
  const auto pair = http1::trim(value.substr(0, value.find(';')));
  const auto equals = pair.find('=');
  const auto name = http1::trim(pair.substr(0, equals));
  // Browsers send a cookie without a name as its value alone, which may look like another cookie.
  if (equals == std::string_view::npos || name.empty() || contains_nocase(refused, name)) return std::nullopt;
  std::string out;
  each_piece(value, ';', [&out](std::string_view attribute) {
    if (!out.empty() &&
        (attribute.empty() || equal_nocase(http1::trim(attribute.substr(0, attribute.find('='))), "domain")))
      return;
    if (!out.empty()) out += "; ";
    out += attribute;
  });
  return out;
}

request upstream_request(const request& from, const proxy_target& target, const proxy_hop& hop, bool upgrade) {
  request out;
  out.method = from.method;
  out.target = target.target;
  auto dropped = hop_fields(from.headers);
  for (auto name : {"host", "content-length", "expect"}) dropped.insert(name);
  for (const auto& name : target.strip_headers) dropped.insert(normalized(name));
  for (const auto& [name, value] : target.add) dropped.insert(normalized(name));
  for (const auto& [name, value] : from.headers) {
    const auto n = normalized(name);
    if (is_handshake_field(n) ? !upgrade : dropped.contains(n) || is_forwarding_field(n)) continue;
    if (n != "cookie") {
      out.headers.add(name, value);
    } else if (auto rest = without_cookies(value, target.strip_cookies); !rest.empty()) {
      out.headers.add(name, std::move(rest));
    }
  }
  const auto host = from.headers.find("Host");
  if (host) {
    out.headers.set("Host", std::string(*host));
    out.headers.set("X-Forwarded-Host", std::string(*host));
  }
  out.headers.set("X-Forwarded-For", hop.client_address);
  out.headers.set("X-Forwarded-Proto", hop.secure ? "https" : "http");
  for (const auto& [name, value] : target.add) out.headers.set(name, value);
  if (upgrade) {
    out.headers.set("Connection", "Upgrade");
    out.headers.set("Upgrade", "websocket");
  }
  return out;
}

headers client_headers(unsigned status, const headers& from, const proxy_target& target) {
  const bool upgraded = status == 101;
  headers out;
  auto dropped = hop_fields(from);
  // Alt-Svc would send the browser to another address for the whole origin.
  dropped.insert("alt-svc");
  dropped.erase("content-length");
  for (const auto& [name, value] : from) {
    const auto n = normalized(name);
    if (is_handshake_field(n) ? !upgraded : dropped.contains(n)) continue;
    if (n != "set-cookie") {
      out.add(name, value);
    } else if (auto cookie = clean_set_cookie(value, target.refuse_set_cookies)) {
      out.add(name, std::move(*cookie));
    }
  }
  if (upgraded) {
    out.erase("Content-Length");
    out.set("Connection", "Upgrade");
    out.set("Upgrade", "websocket");
  }
  if (target.adjust_answer) target.adjust_answer(status, out);
  return out;
}

}  // namespace atrium::net
