/// @file http.hpp - HTTP/1.1 messages (RFC 9110, RFC 9112) as plain values. Layer: net.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atrium/base/result.hpp"

namespace atrium::net {

/// Field lines in order. Names compare without case; values are kept as sent, trimmed.
class headers {
 public:
  using value_type = std::pair<std::string, std::string>;
  headers() = default;
  headers(std::initializer_list<value_type> all) : all_(all) {}

  /// First value of that name.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// All values of that name.
  std::vector<std::string_view> all(std::string_view name) const;
  bool contains(std::string_view name) const noexcept { return find(name).has_value(); }
  /// True when the comma-separated list of that name holds `token` (without case), as `Connection: Upgrade`.
  bool has_token(std::string_view name, std::string_view token) const noexcept;
  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  /// Replaces all of that name by one.
  void set(std::string_view name, std::string value);
  std::size_t erase(std::string_view name);
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }
  std::size_t size() const noexcept { return all_.size(); }

 private:
  std::vector<value_type> all_;
};

bool equal_nocase(std::string_view a, std::string_view b) noexcept;

/// Head of a request.
struct request {
  std::string method = "GET";
  std::string target = "/";  ///< origin-form as sent: path and query, percent-encoded
  unsigned minor_version = 1;
  net::headers headers;

  std::string_view path() const noexcept;   ///< target up to '?', still encoded
  std::string_view query() const noexcept;  ///< after '?', or empty
  /// Decoded value of the first such query parameter.
  std::optional<std::string> query_value(std::string_view name) const;
  /// Every value of a cookie of that name over all Cookie lines (a name may stand several times).
  std::vector<std::string> cookies(std::string_view name) const;
};

/// Head of a response, with a body where it is known as a whole.
struct response {
  unsigned status = 200;
  net::headers headers;
  std::string body;

  static response text(unsigned status, std::string body);
  static response html(unsigned status, std::string body);
  /// `serialized` is JSON text.
  static response json(unsigned status, std::string serialized);
  static response redirect(std::string location, unsigned status = 303);
  /// `{"error": public text}` with the status of its disposition, or that of its code where it is "http.NNN".
  /// Peer text stays out.
  static response of(const error&);
};

std::string_view reason_phrase(unsigned status) noexcept;

/// Percent-decoding; nullopt for malformed escapes or a decoded NUL.
std::optional<std::string> percent_decode(std::string_view, bool plus_is_space = false);
std::string percent_encode(std::string_view);
/// Pairs of an application/x-www-form-urlencoded text.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view);
/// Text made safe for HTML element content and quoted attributes.
std::string escape_html(std::string_view);

}  // namespace atrium::net
