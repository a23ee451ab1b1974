// Frames of a WebSocket peer, in any split, in both roles.
#include "atrium/net/websocket_codec.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::net;

namespace {

std::string read(std::string_view text, websocket_role peer, std::uint32_t seed, bool split) {
  constexpr std::size_t limit = 1000;
  ws::decoder d(peer, limit);
  std::string out;
  bool closed = false;
  const auto take = [&](std::string_view piece) {
    auto in = tests::bytes_of(piece);
    for (;;) {
      auto e = d.feed(in);
      if (!e) {
        const auto code = ws::close_code_of(e.error());
        ATRIUM_ASSERT(code == 1002 || code == 1007 || code == 1009, "errors have a code that tells the peer");
        out += "!" + std::to_string(code);
        return false;
      }
      if (!*e) {
        ATRIUM_ASSERT(in.empty(), "everything is taken before more is asked for");
        return true;
      }
      ATRIUM_ASSERT(!closed, "nothing is said after a close");
      const auto& event = **e;
      ATRIUM_ASSERT(event.data.size() <= limit, "messages keep to the limit");
      if (event.what == ws::event::kind::text) ATRIUM_ASSERT(ws::valid_utf8(event.data), "text is UTF-8");
      closed = event.what == ws::event::kind::close;
      if (closed) ATRIUM_ASSERT(event.code == 1005 || ws::valid_close_code(event.code), "codes are valid");
      out += std::to_string(static_cast<int>(event.what)) + ":" + std::to_string(event.code) + ":" + event.data + "\n";
    }
  };
  if (split) tests::in_pieces(text, seed, take);
  else if (!text.empty()) take(text);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto seed = in.byte();
  const auto peer = seed & 1 ? websocket_role::client : websocket_role::server;
  const auto text = in.rest();
  ATRIUM_ASSERT(read(text, peer, 0, false) == read(text, peer, seed, true), "splits change nothing");
  if (ws::valid_handshake_key(text)) ATRIUM_ASSERT(ws::handshake_accept(text).size() == 28, "a key has an answer");
  return 0;
}
