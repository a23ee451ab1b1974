/// @file proxy.hpp - reverse proxying of HTTP and WebSocket: streaming both ways, re-serialised. Layer: net.
#pragma once

#include "atrium/net/client.hpp"

namespace atrium::net {

struct proxy_target {
  origin to;
  std::string target;                          ///< path and query to ask for
  net::headers add;                            ///< set on the request after stripping (identity, X-Forwarded-*)
  std::vector<std::string> strip_cookies;      ///< names of cookies that never reach the upstream
  std::vector<std::string> strip_headers;      ///< further request headers to drop
  std::vector<std::string> refuse_set_cookies; ///< Set-Cookie of these names is dropped from answers
  std::function<void(std::uint64_t to_upstream, std::uint64_t to_client)> on_bytes;  ///< progress, for accounting
};

/// Forwards an exchange and its answer. Hop-by-hop headers (and those that Connection names) stay on their hop;
/// X-Forwarded-{For,Host,Proto} are set, never trusted. An upgrade is tunnelled only after the upstream's 101.
/// @errors disconnected (upstream gone: 502), timed_out (504). @cancel cuts both sides (revoked access: within one turn)
rt::task<void> forward(exchange&, http_client&, const proxy_target&);

}  // namespace atrium::net
