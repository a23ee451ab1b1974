// Output of programs in a terminal: the scanner behind scrollback and titles, in any split.
#include "apps/project/terminals/scrollback.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto seed = in.byte();
  const std::size_t limit = 64 + in.byte() * 8u;
  const auto text = in.rest();
  project::scrollback whole(1u << 20), pieces(1u << 20), small(limit);
  whole.append(text);
  tests::in_pieces(text, seed, [&](std::string_view piece) {
    pieces.append(piece);
    small.append(piece);
    ATRIUM_ASSERT(small.end() - small.begin() <= 2 * limit + 64, "what is kept keeps to its limit");
    ATRIUM_ASSERT(small.end() == pieces.end(), "every byte is counted");
    return true;
  });
  ATRIUM_ASSERT(whole.title() == pieces.title() && whole.end() == pieces.end(), "splits change nothing");
  ATRIUM_ASSERT(whole.title().size() <= 4096, "titles are bounded");
  ATRIUM_ASSERT(pieces.read(0, text.size()) == text, "nothing is changed");
  const auto kept = small.read(small.begin(), SIZE_MAX);
  ATRIUM_ASSERT(text.ends_with(kept) && kept.size() == small.end() - small.begin(), "what is kept is the end");
  // Shown again from there, modes are as they were.
  project::scrollback again(1u << 20);
  again.append(small.prefix());
  again.append(kept);
  return 0;
}
