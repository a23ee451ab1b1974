/// @file request_trace.hpp - W3C Trace Context on requests that come and go. I/O-free. Layer: net, private.
#pragma once

#include "atrium/base/trace.hpp"
#include "atrium/net/server.hpp"

namespace atrium::net {

/// The trace id of a request that came: that of its one valid `traceparent`, or of the query parameter of that name for
/// WebSocket handshakes, where a page can set no fields; a new one when there is none or the policy does not take it.
trace::id trace_of(const request&, const trace_policy&);

/// Makes `traceparent` say what this thread works for; what already says so stays as it is. Nothing without a trace.
void set_traceparent(headers&);

}  // namespace atrium::net
