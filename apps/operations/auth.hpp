/// @file auth.hpp - signing up, in and out, and who a request comes from: what every hub offers. Layer:
/// apps/operations.
#pragma once

#include <optional>
#include <string>

#include "apps/store/accounts.hpp"
#include "apps/store/api_keys.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/net/http.hpp"

namespace atrium::operations {

/// Who a request comes from.
struct identity {
  store::account account;
  enum class kind : std::uint8_t { session, api_key } by = kind::session;
  std::string session_hash;                        ///< of a session: for rechecking and sign-out
  std::optional<domain::project_id> only_project;  ///< an API key that is good for one project
  domain::account_id id() const noexcept { return account.account_id; }
};

struct sign_up_form {
  std::string email, password, first_name, last_name;
  bool terms = false;
};
/// A sentence about one field of a form: `field` is email, password, first_name, last_name, terms, or empty for the
/// whole.
struct field_error {
  std::string field;
  atrium::error error;
};
/// Checks without a database; the first field that is wrong. Cleans the values in place.
std::optional<field_error> check(sign_up_form&);

/// A new session: its token goes into the cookie `atrium_session` (domain::session_set_cookie).
struct signed_in {
  store::account account;
  std::string session_token;
};

class auth {
 public:
  explicit auth(pg::pool& pool) noexcept : pool_(pool) {}

  /// The first account becomes the administrator. `client` is the address for the throttle.
  /// @errors invalid (a field), conflict (address taken), overloaded (throttle)
  rt::task<signed_in> sign_up(sign_up_form, std::string client);
  /// 5 failures a minute and 50 an hour for an e-mail address, 30 and 200 for a client. An unknown address and a wrong
  /// password give the same answer after the same work.
  /// @errors unauthenticated, overloaded (throttle)
  rt::task<signed_in> sign_in(std::string email, std::string password, std::string client);
  /// Ends the session of these cookies, if there is one.
  rt::task<void> sign_out(const net::request&);
  rt::task<void> sign_out_everywhere(domain::account_id);

  /// Account of an API key (Authorization: Basic `key:` or Bearer key), else of the session cookie, else nobody. A
  /// wrong key is nobody, whatever the cookie says; credentials that are no key at all (of a proxy before us) are left
  /// alone.
  rt::task<std::optional<identity>> authenticate(const net::request&);
  /// authenticate() or failure(unauthenticated).
  rt::task<identity> require(const net::request&);

 private:
  pg::pool& pool_;
};

/// Whether a request that carries a cookie comes from a page of ours: Origin (or, without it, Sec-Fetch-Site or
/// Referer) names the host that was asked for (X-Forwarded-Host first, which the edge sets). Needed for everything that
/// changes something or opens a WebSocket by session cookie. Browsers send Origin with all of these: a request that has
/// none of the three comes from a program, which no foreign page can make send a cookie, and passes.
bool same_origin(const net::request&);
/// The API key that a request brings, right or wrong: then the session cookie plays no part. Empty when it brings none.
std::string api_key_of(const net::request&);
/// Whether the client came by TLS, by X-Forwarded-Proto of the edge.
bool came_by_tls(const net::request&);
/// Address of the client: the last X-Forwarded-For entry that the edge wrote, else `peer`.
std::string client_address(const net::request&, std::string_view peer);

}  // namespace atrium::operations
