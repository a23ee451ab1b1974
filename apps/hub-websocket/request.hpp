/// @file request.hpp - the messages of a client, read. Layer: apps/hub-websocket, I/O-free.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/error.hpp"
#include "atrium/base/trace.hpp"

namespace atrium::hub_websocket {

struct request {
  std::optional<std::int64_t> id;
  std::string method;
  boost::json::object params;
  trace::id traced;  ///< of its `traceparent`; none when it has no valid one
};

/// Reads `{"id", "method", "params"}` of docs/protocols.md; `out.id` is set also on failure where it could be read.
/// @errors invalid
std::optional<error> parse_request(std::string_view text, request& out);

/// A number that this hub gave out, as the client says it: absent for what is no whole number of 64 bits from 0 on.
std::optional<std::uint64_t> number_parameter(const boost::json::object& params, std::string_view name);

}  // namespace atrium::hub_websocket
