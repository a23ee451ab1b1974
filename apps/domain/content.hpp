/// @file content.hpp - the content origin: host names under which a project's ports and files are shown, apart from the
/// application's origin, and the passes that let people in there (docs/protocols.md section 6). Layer: apps/domain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"

namespace atrium::domain {

inline constexpr std::string_view content_cookie_name = "atrium_content";
/// Where a content host takes a pass from the application: `?pass=<pass>&to=<path and query>`.
inline constexpr std::string_view content_entrance = "/.atrium/enter";

/// One origin: a port of a project, or its files.
struct content_place {
  project_id project;
  std::uint16_t port = 0;  ///< 0: the files, for reading
  bool operator==(const content_place&) const = default;
};

/// "8888-<project id>.<content host>" or "files-<project id>.<content host>"
std::string content_host_name(const content_place&, std::string_view content_host);
/// `host`: a Host field, with or without a port. nullopt: not an exact name below `content_host` (empty: there is
/// none).
std::optional<content_place> parse_content_host(std::string_view host, std::string_view content_host);
/// Whether a Host field names anything below `content_host`: such requests never belong to the application.
bool is_content_host(std::string_view host, std::string_view content_host) noexcept;
/// A complaint about the setting, or an empty text.
std::string check_content_host(std::string_view content_host);
/// Whether a browser that reached us as `host` finds content hosts too: those below `localhost` are only on the machine
/// itself.
bool reaches_content_host(std::string_view host, std::string_view content_host) noexcept;

/// What a browser shows at a content origin instead of the session cookie, which never goes there: good for one place,
/// and for as long as the session is.
struct content_pass {
  content_place place;
  std::string session_hash;
  enum class use : std::uint8_t { enter, stay } purpose = use::stay;  ///< in an address, once; or in the cookie
  timestamp expires{};                                                ///< kept in whole seconds
};
/// `<base64url JSON>.<hex HMAC-SHA-256 of the first part>`, keyed with the project's secret.
std::string sign_content_pass(const content_pass&, std::string_view project_secret);
/// What a pass says, before anything about it is believed: names the session by whose rights the secret is found.
/// @errors unauthenticated (malformed)
result<content_pass> read_content_pass(std::string_view value);
/// @errors unauthenticated: malformed, signed with another secret, expired at `now`
result<content_pass> verify_content_pass(std::string_view value, std::string_view project_secret, timestamp now);

}  // namespace atrium::domain
