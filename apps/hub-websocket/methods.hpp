/// @file methods.hpp - the methods of `/hub` (docs/protocols.md section 3) except those about the connection itself
/// (subscribe, unsubscribe). For .cpp files: it includes all of Boost.JSON. Layer: apps/hub-websocket.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "apps/domain/ids.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::hub_websocket {

/// Who calls, and what with. Lives until the method is done.
struct call {
  pg::pool& pool;
  domain::account_id who;
  const boost::json::object& params;

  /// Parameters by name. @errors invalid, with a sentence that names the parameter
  std::string text(std::string_view name) const;
  std::optional<std::string> optional_text(std::string_view name) const;
  bool flag(std::string_view name) const;  ///< false when absent
  std::int64_t integer(std::string_view name) const;
  domain::project_id project() const;
};

using method = rt::task<boost::json::value> (*)(call&);

/// Null when there is no such method.
method find_method(std::string_view name);

}  // namespace atrium::hub_websocket
