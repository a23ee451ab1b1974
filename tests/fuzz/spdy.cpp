// SPDY frames of older kubectl: header blocks are compressed.
#include "apps/devcluster/agent/spdy.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::devcluster;

namespace {

std::string read(std::string_view text, std::uint32_t seed, bool split) {
  spdy::codec c;
  std::string out;
  const auto take = [&](std::string_view piece) {
    c.feed(piece);
    for (;;) {
      auto f = c.next();
      if (!f) return out += "!", false;
      if (!*f) return true;
      out += std::to_string(static_cast<int>((*f)->what)) + ":" + std::to_string((*f)->stream) + ":" + (*f)->data;
      for (const auto& [name, value] : (*f)->headers) out += name + "=" + value + ";";
    }
  };
  if (split) tests::in_pieces(text, seed, take);
  else take(text);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto seed = in.byte();
  const auto text = in.rest();
  ATRIUM_ASSERT(read(text, 0, false) == read(text, seed, true), "splits change nothing");
  return 0;
}
