/// @file interactive.hpp - the database as services use it whose callers wait for an answer. Layer: store.
#pragma once

#include "atrium/pg/pool.hpp"

namespace atrium::store {

/// People and programs wait for what hubs ask, so a database that does not answer is said within about five seconds
/// (a session that waited in vain, two seconds of trying to cancel), and no statement of a hub may run for long.
inline pg::pool_options interactive(std::string conninfo, std::size_t connections) {
  return {.conninfo = std::move(conninfo),
          .connections = connections,
          .wait_limit = std::chrono::seconds(4),
          .statement_limit = std::chrono::seconds(3)};
}

}  // namespace atrium::store
