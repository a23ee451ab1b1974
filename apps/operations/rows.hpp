/// @file rows.hpp - rows of projects and accounts in the JSON in which every hub shows them (docs/protocols.md,
/// sections 3 and 4). I/O-free. Layer: apps/operations.
#pragma once

#include <boost/json/object.hpp>

#include "apps/store/accounts.hpp"
#include "apps/store/projects.hpp"

namespace atrium::operations {

/// Without who works on it by name: that is for whoever knows the names.
boost::json::object project_row(const store::project&);
/// What everybody is told of the own account on each page; rows of it say more.
boost::json::object account_row(const store::account&);

}  // namespace atrium::operations
