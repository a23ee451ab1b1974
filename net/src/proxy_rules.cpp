#include "proxy_rules.hpp"

#include <algorithm>
#include <set>

#include "atrium/net/websocket_codec.hpp"
#include "http1_chars.hpp"

namespace atrium::net {

namespace {

/// Lower case with '-' for '_', because some servers read X_Forwarded_For as X-Forwarded-For.
constexpr char normalized(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
  return c == '_' ? '-' : c;
}

bool same_field(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return normalized(x) == normalized(y); });
}

std::string normalized(std::string_view name) {
  std::string out(name);
  for (auto& c : out) c = normalized(c);
  return out;
}

/// What a proxy does with a field, by its name alone.
enum class field_kind : std::uint8_t {
  end_to_end,
  hop,         ///< RFC 9110 section 7.6.1
  handshake,   ///< crosses with a WebSocket handshake only
  forwarding,  ///< says where a request came from: only ours count
  framing,     ///< set anew for each hop
  host,
  cookie,
  set_cookie,
  origin_wide,  ///< Alt-Svc would send the browser to another address for the whole origin
};

/// By length, so that kind_of() looks at few of them.
constexpr std::pair<std::string_view, field_kind> known_fields[] = {{"te", field_kind::hop},
                                                                    {"host", field_kind::host},
                                                                    {"expect", field_kind::framing},
                                                                    {"cookie", field_kind::cookie},
                                                                    {"trailer", field_kind::hop},
                                                                    {"upgrade", field_kind::hop},
                                                                    {"alt-svc", field_kind::origin_wide},
                                                                    {"forwarded", field_kind::forwarding},
                                                                    {"x-real-ip", field_kind::forwarding},
                                                                    {"connection", field_kind::hop},
                                                                    {"keep-alive", field_kind::hop},
                                                                    {"set-cookie", field_kind::set_cookie},
                                                                    {"x-rewrite-url", field_kind::forwarding},
                                                                    {"http2-settings", field_kind::hop},
                                                                    {"x-original-url", field_kind::forwarding},
                                                                    {"content-length", field_kind::framing},
                                                                    {"proxy-connection", field_kind::hop},
                                                                    {"transfer-encoding", field_kind::hop},
                                                                    {"sec-websocket-key", field_kind::handshake},
                                                                    {"proxy-authenticate", field_kind::hop},
                                                                    {"proxy-authorization", field_kind::hop},
                                                                    {"sec-websocket-accept", field_kind::handshake},
                                                                    {"sec-websocket-version", field_kind::handshake},
                                                                    {"sec-websocket-protocol", field_kind::handshake},
                                                                    {"sec-websocket-extensions", field_kind::handshake},
                                                                    {"proxy-authentication-info", field_kind::hop}};
constexpr auto length_of = [](const auto& known) { return known.first.size(); };
static_assert(std::ranges::is_sorted(known_fields, {}, length_of));

field_kind kind_of(std::string_view name) noexcept {
  for (const auto& [known, kind] : std::ranges::equal_range(known_fields, name.size(), {}, length_of))
    if (same_field(name, known)) return kind;
  constexpr std::string_view prefix = "x-forwarded-";
  if (name.size() >= prefix.size() && same_field(name.substr(0, prefix.size()), prefix)) return field_kind::forwarding;
  return field_kind::end_to_end;
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

bool contains_nocase(std::span<const std::string_view> names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](auto n) { return equal_nocase(n, name); });
}

/// The fields that Connection names beside those of every hop. Most messages name none.
class named_by_connection {
 public:
  explicit named_by_connection(const headers& from) {
    for (const auto& [name, value] : from)
      if (equal_nocase(name, "Connection"))
        each_piece(value, ',', [this](std::string_view token) {
          if (!token.empty() && kind_of(token) != field_kind::hop && !equal_nocase(token, "close"))
            names_.insert(normalized(token));
        });
  }
  bool contains(std::string_view name) const { return !names_.empty() && names_.contains(normalized(name)); }

 private:
  std::set<std::string> names_;
};

/// Whether a field of a request stays behind, whatever its value.
bool stays_behind(field_kind kind, std::string_view name, const proxy_target& target) noexcept {
  if (kind != field_kind::end_to_end && kind != field_kind::cookie && kind != field_kind::set_cookie &&
      kind != field_kind::origin_wide)
    return true;
  const auto is_it = [name](std::string_view other) { return same_field(name, other); };
  if (std::any_of(target.strip_headers.begin(), target.strip_headers.end(), is_it)) return true;
  for (const auto& [added, value] : target.add)
    if (is_it(added)) return true;
  return false;
}

}  // namespace

bool asks_for_websocket(const request& r) noexcept {
  const auto upgrade = r.headers.find("Upgrade");
  return upgrade && r.minor_version >= 1 && equal_nocase(*upgrade, "websocket") && r.headers.count("Upgrade") == 1 &&
         r.headers.has_token("Connection", "Upgrade");
}

bool accepts_websocket(const headers& answer, std::string_view key) {
  const auto accepts = answer.all("Sec-WebSocket-Accept");
  return answer.has_token("Upgrade", "websocket") && answer.has_token("Connection", "Upgrade") && accepts.size() == 1 &&
         accepts[0] == ws::handshake_accept(key);
}

std::string without_cookies(std::string_view line, std::span<const std::string_view> names) {
  std::string out;
  each_piece(line, ';', [&](std::string_view pair) {
    if (pair.empty() || contains_nocase(names, http1::trim(pair.substr(0, pair.find('='))))) return;
    if (!out.empty()) out += "; ";
    out += pair;
  });
  return out;
}

std::optional<std::string> clean_set_cookie(std::string_view value, std::span<const std::string_view> refused) {
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
  const named_by_connection named(from.headers);
  for (const auto& [name, value] : from.headers) {
    const auto kind = kind_of(name);
    if (kind == field_kind::handshake ? !upgrade : stays_behind(kind, name, target) || named.contains(name)) continue;
    if (kind != field_kind::cookie || target.strip_cookies.empty()) {
      out.headers.add(name, value);
    } else if (const auto rest = without_cookies(value, target.strip_cookies); !rest.empty()) {
      out.headers.add(name, rest);
    }
  }
  // None of these came through: each stands there once.
  const auto unless_given = [&](std::string_view name, std::string_view value) {
    if (!target.add.contains(name)) out.headers.add(name, value);
  };
  if (const auto host = from.headers.find("Host")) {
    unless_given("Host", *host);
    unless_given("X-Forwarded-Host", *host);
  }
  unless_given("X-Forwarded-For", hop.client_address);
  unless_given("X-Forwarded-Proto", hop.secure ? "https" : "http");
  for (const auto& [name, value] : target.add) out.headers.add(name, value);
  if (upgrade) {
    out.headers.set("Connection", "Upgrade");
    out.headers.set("Upgrade", "websocket");
  }
  return out;
}

headers client_headers(unsigned status, headers from, const proxy_target& target) {
  const bool upgraded = status == 101;
  const named_by_connection named(from);
  bool cookies = false;
  from.erase_if([&](std::string_view name, std::string_view) {
    const auto kind = kind_of(name);
    cookies |= kind == field_kind::set_cookie;
    switch (kind) {
      case field_kind::handshake:
        return !upgraded;
      case field_kind::hop:
      case field_kind::origin_wide:
        return true;
      default:
        return named.contains(name) && !equal_nocase(name, "Content-Length");
    }
  });
  if (cookies) {
    headers cleaned;
    for (const auto& [name, value] : from) {
      if (kind_of(name) != field_kind::set_cookie) cleaned.add(name, value);
      else if (const auto cookie = clean_set_cookie(value, target.refuse_set_cookies)) cleaned.add(name, *cookie);
    }
    from = std::move(cleaned);
  }
  if (upgraded) {
    from.erase("Content-Length");
    from.set("Connection", "Upgrade");
    from.set("Upgrade", "websocket");
  }
  if (target.adjust_answer) target.adjust_answer(status, from);
  return from;
}

}  // namespace atrium::net
