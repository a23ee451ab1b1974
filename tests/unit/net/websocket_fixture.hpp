/// @file websocket_fixture.hpp - pairs of sessions and raw peers for the tests of WebSocket sessions.
#pragma once

#include "atrium/net/websocket.hpp"
#include "tests/support/backends.hpp"

namespace atrium::net {

struct pair {
  std::unique_ptr<websocket> server, client;
};

inline pair make_pair(websocket_options server = {}, websocket_options client = {}) {
  auto [a, b] = rt::socket_pair();
  return {make_websocket(make_stream(std::move(a)), websocket_role::server, std::move(server)),
          make_websocket(make_stream(std::move(b)), websocket_role::client, std::move(client))};
}

/// A server session and the raw socket of its peer.
struct raw_pair {
  std::unique_ptr<websocket> server;
  rt::socket peer;
};
inline raw_pair make_raw(websocket_options options = {}) {
  auto [a, b] = rt::socket_pair();
  return {make_websocket(make_stream(std::move(a)), websocket_role::server, std::move(options)), std::move(b)};
}

inline std::string client_frame(ws::opcode op, std::string_view payload, bool fin = true) {
  return ws::make_frame(op, rt::as_bytes(payload), ws::mask_key{9, 8, 7, 6}, fin);
}

/// Reads from a server until `count` events or the end.
inline rt::task<std::vector<ws::event>> read_events(rt::socket& from, std::size_t count) {
  ws::decoder d(websocket_role::server, 64u << 20);
  std::vector<ws::event> out;
  std::vector<std::byte> buffer(64 * 1024);
  while (out.size() < count) {
    const auto n = co_await from.recv_some(buffer);
    if (n == 0) break;
    std::span<const std::byte> in(buffer.data(), n);
    for (;;) {
      auto r = d.feed(in);
      if (!r) throw failure(r.error());
      if (!*r) break;
      out.push_back(std::move(**r));
    }
  }
  co_return out;
}

inline rt::task<disposition> failing(rt::task<std::optional<websocket_message>> t) {
  try {
    co_await std::move(t);
  } catch (const failure& f) {
    co_return f.disposition();
  }
  ADD_FAILURE() << "no failure";
  co_return disposition::failed;
}

}  // namespace atrium::net
