/// @file api.hpp - /api/v2: one table of calls, how they are authenticated and how they answer. Layer: apps/hub-next.
///
/// A call takes a JSON object (POST; what only reads also takes query parameters by GET) and gives JSON. What goes
/// wrong is
/// `{"error": sentence}` with status 200, as clients of this API expect; only what is wrong with the HTTP request
/// itself (no such call, wrong method, foreign page, body too large) has a status of its own.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apps/domain/ids.hpp"
#include "apps/hub-next/site.hpp"
#include "apps/operations/auth.hpp"

namespace atrium::hub_next {

namespace json = boost::json;

/// Parameters of a call, read with sentences for what is missing or of the wrong kind.
class arguments {
 public:
  explicit arguments(json::object o) : values_(std::move(o)) {}
  /// @errors invalid: missing or no text
  std::string text(std::string_view name) const;
  std::optional<std::string> maybe_text(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise = false) const;
  std::optional<double> maybe_number(std::string_view name) const;
  domain::project_id project() const;  ///< `project_id`
  std::optional<domain::account_id> maybe_account(std::string_view name) const;
  std::optional<domain::timestamp> maybe_time(std::string_view name) const;
  const json::object& all() const noexcept { return values_; }

 private:
  const json::value* find(std::string_view name) const noexcept;  ///< null counts as absent
  json::object values_;
};

/// One call while it runs.
struct call {
  hub_next::site& site;
  net::exchange& exchange;
  arguments in;
  std::optional<operations::identity> who;
  std::vector<std::string> set_cookies = {};
  unsigned status = 200;  ///< of the answer; what a call refuses is 200 with "error", as clients of the API expect

  /// @errors unauthenticated
  const operations::identity& identity() const;
  domain::account_id account() const { return identity().id(); }
  /// `project_id` of the arguments. @errors not_found when the API key is good for another project only
  domain::project_id project() const;
  /// For what concerns the account as a whole. @errors denied with an API key of one project
  void require_whole_account() const;
};

struct endpoint {
  std::string_view name;        ///< below /api/v2/
  std::string_view parameters;  ///< as shown in the list
  std::string_view returns;
  bool anonymous;  ///< works without an account
  bool reads;      ///< changes nothing: GET works too
  rt::task<json::value> (*run)(call&);
};

std::span<const endpoint> auth_endpoints() noexcept;
std::span<const endpoint> project_endpoints() noexcept;
std::span<const endpoint> query_endpoints() noexcept;

inline json::value ok() { return {{"status", "ok"}}; }
inline json::value success() { return {{"status", "success"}}; }

}  // namespace atrium::hub_next
