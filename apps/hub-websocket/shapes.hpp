/// @file shapes.hpp - JSON of rows and answers as docs/protocols.md section 3 states it. For .cpp files. I/O-free.
/// Layer: apps/hub-websocket.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <vector>

#include "apps/domain/project.hpp"
#include "apps/store/accounts.hpp"
#include "apps/store/api_keys.hpp"
#include "apps/store/project_log.hpp"
#include "apps/store/projects.hpp"

namespace atrium::hub_websocket {

using name_of = std::function<std::string(domain::account_id)>;

/// Row of the query `projects`.
boost::json::object project_row(const store::project&, const name_of&);
/// Row of the query `account`.
boost::json::object account_row(const store::account&);
boost::json::array collaborator_list(const std::vector<store::collaborator>&);
boost::json::array person_list(const std::vector<store::person>&);
boost::json::object api_key_row(const store::api_key&);
boost::json::value timeline_value(const domain::start_timeline&);
/// Entries of a project's log; `people` are those that the entries speak of, as far as they still have accounts.
boost::json::array log_list(const std::vector<store::log_entry>&, const std::vector<store::person>& people);

}  // namespace atrium::hub_websocket
