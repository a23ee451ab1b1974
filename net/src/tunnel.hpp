/// @file tunnel.hpp - copies bytes between two streams in both directions. Layer: net, private.
#pragma once

#include <functional>

#include "atrium/net/stream.hpp"

namespace atrium::net {

struct tunnel_end {
  stream_ptr stream;
  std::string buffered;  ///< read from it before the tunnel began
};

/// Until both directions have ended. A side that ends its half is passed on; the other half may go on as long as it
/// moves bytes. `on_bytes(from_a, from_b)` hears of each piece.
/// @errors disconnected when a side breaks: then both are cut  @cancel cuts both
rt::task<void> run_tunnel(tunnel_end a, tunnel_end b, std::function<void(std::uint64_t, std::uint64_t)> on_bytes);

}  // namespace atrium::net
