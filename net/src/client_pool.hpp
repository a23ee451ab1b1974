/// @file client_pool.hpp - idle connections of an HTTP client, by origin. Layer: net, private.
#pragma once

#include <map>
#include <vector>

#include "atrium/net/client.hpp"
#include "input_buffer.hpp"

namespace atrium::net {

/// A connection to an origin with what was read ahead on it.
struct client_connection {
  stream_ptr stream;
  input_buffer input;
  origin to;
  bool reused = false;
};

/// Shared between the client and the answers that still read, so that either may go first.
class client_pool {
 public:
  client_pool(std::size_t per_origin, rt::duration idle_timeout)
      : per_origin_(per_origin), idle_timeout_(idle_timeout) {}

  /// The most recently used connection that is still good, or null.
  std::unique_ptr<client_connection> take(const origin&, rt::time_point now);
  /// Keeps it unless the pool is closed or full.
  void put(std::unique_ptr<client_connection>, rt::time_point now);
  void close() noexcept;

 private:
  struct idle {
    std::unique_ptr<client_connection> connection;
    rt::time_point since;
  };
  void drop_old(rt::time_point now);

  std::size_t per_origin_;
  rt::duration idle_timeout_;
  rt::time_point next_sweep_{};
  std::map<origin, std::vector<idle>> origins_;  // empty lists stay until the next sweep
  bool closed_ = false;
};

}  // namespace atrium::net
