/// @file errors.hpp - what an SQLSTATE means to the caller. I/O-free. Layer: pg.
#pragma once

#include <string>
#include <string_view>

#include "atrium/base/error.hpp"

namespace atrium::pg {

/// Error of a statement: `sqlstate` has five characters or is empty (the connection itself failed); `peer` is for logs.
error server_error(std::string_view sqlstate, std::string peer,
                   std::source_location where = std::source_location::current());

/// A prepared plan that a schema change made invalid: prepare again, run again.
error stale_plan(std::string peer, std::source_location where = std::source_location::current());

error lost_connection(std::string peer, std::source_location where = std::source_location::current());

/// Error of a connect attempt by libpq's verbose message, which holds the SQLSTATE when the server answered.
error connect_error(std::string_view message, std::source_location where = std::source_location::current());

/// The prepared statement that an error speaks of is of no use any more.
bool means_stale_statement(const error&) noexcept;

}  // namespace atrium::pg
