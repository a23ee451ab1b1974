// Requests as a client sends them to our servers: heads, framing and bodies, in any split, and said again.
#include "tests/unit/net/http1_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  atrium::tests::fuzz_http1({data, size});
  return 0;
}
