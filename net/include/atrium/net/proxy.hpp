/// @file proxy.hpp - reverse proxying of HTTP and WebSocket: streaming both ways, re-serialised. Layer: net.
#pragma once

#include "atrium/net/client.hpp"

namespace atrium::net {

/// What views and spans refer to must outlive forward(): the exchange's own request, or constants.
struct proxy_target {
  origin to;
  std::string_view target;                          ///< path and query to ask for
  net::headers add;                                 ///< each name once, set after stripping (identity, X-Forwarded-*)
  std::span<const std::string_view> strip_headers;  ///< further request headers to drop
  std::span<const std::string_view> strip_cookies;  ///< names of cookies that never reach the upstream
  std::span<const std::string_view> refuse_set_cookies;  ///< Set-Cookie of these names is dropped from answers
  std::function<void(unsigned status, net::headers&)> adjust_answer;  ///< last word on the fields of the answer
  std::function<void(std::uint64_t to_upstream, std::uint64_t to_client)> on_bytes;  ///< progress, for accounting
  /// How long a download whose upstream breaks off waits for it to come back, each time; zero: not at all.
  rt::duration resume_within{};
};

/// What forward() and who calls it add to a head at most, on one hop: fields, bytes, and bytes of the address asked
/// for.
inline constexpr std::size_t hop_fields = 10, hop_bytes = 4 * 1024, hop_target_bytes = 64;

/// `limits` for heads that come through `hops` proxies of ours: what the first one lets in, the last one takes. For
/// requests that is the server farthest in, for answers the client farthest out.
constexpr http_limits behind_proxies(http_limits limits, unsigned hops) noexcept {
  limits.header_count += hops * hop_fields;
  limits.head_bytes += hops * hop_bytes;
  limits.target_bytes += hops * hop_target_bytes;
  return limits;
}

/// Forwards an exchange and its answer; at most a few hundred KB are on the way in each direction, whatever the sizes.
/// - Hop-by-hop fields, and those that Connection names, stay on their hop. X-Forwarded-{For,Host,Proto} are set from
/// the
///   connection, never trusted (`add` wins: a proxy behind another passes on what that one wrote). Host is kept.
/// - Domain is taken off Set-Cookie, so that an upstream sets cookies for the asking host only.
/// - WebSocket: tunnelled only after the upstream's 101 with the right Sec-WebSocket-Accept; either side may end its
/// half
///   first. Another answer is relayed. Other upgrades are forwarded as plain requests.
/// - With resume_within: an answer to GET that has a strong ETag, a length and byte ranges, and breaks off, goes on
///   with what the upstream sends for the rest (Range, If-Range): the client sees one whole answer. When that is
///   another version, or nothing comes in time, the client's connection is cut.
/// The limit of the request's body is the exchange's (allow_body); times are the client's (client_options).
/// @errors before the answer: disconnected (upstream gone: 502), timed_out (504), invalid (400). After it the
/// connection is cut.
/// @cancel cuts both sides (revoked access: within one turn)
rt::task<void> forward(exchange&, http_client&, const proxy_target&);

}  // namespace atrium::net
