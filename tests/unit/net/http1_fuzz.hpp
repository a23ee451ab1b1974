/// @file http1_fuzz.hpp - one input of a fuzzer for the HTTP/1.1 parser, as a plain function.
/// A libFuzzer target is `extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
/// atrium::tests::fuzz_http1({d, n}); return 0; }`.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "atrium/base/assert.hpp"
#include "net/src/http1_body.hpp"
#include "net/src/http1_writer.hpp"

namespace atrium::tests {

/// What a stream of requests was read as.
struct fuzz_outcome {
  std::vector<std::string> messages;  ///< head as re-serialised, and body
  unsigned refused = 0;               ///< status
  bool operator==(const fuzz_outcome&) const = default;
};

/// Reads requests from `text`, of which each next() says how many bytes arrive.
template <class Next>
fuzz_outcome read_requests(std::string_view text, Next next) {
  using namespace net::http1;
  fuzz_outcome out;
  std::size_t begin = 0, arrived = 0;
  const auto more = [&] {
    return arrived < text.size() && (arrived = std::min(text.size(), arrived + std::max<std::size_t>(1, next())));
  };
  while (begin < text.size()) {
    request_parser p(head_limits{.head_bytes = 2048, .header_count = 20, .target_bytes = 256});
    progress what;
    while ((what = p.advance(text.substr(begin, arrived - begin))) == progress::more)
      if (!more()) return out;
    if (what == progress::refused) return out.refused = p.why().status, out;
    begin += p.consumed();
    std::string body;
    body_decoder d(p.facts());
    while (!d.finished()) {
      const auto s = d.next(text.substr(begin, arrived - begin));
      begin += s.consumed;
      body += s.data;
      if (s.what == progress::refused) return out.refused = d.why().status, out;
      if (s.consumed == 0 && !d.finished() && !more()) return out;
    }
    // What was accepted must be sayable again, and be understood in the same way.
    std::string head;
    ATRIUM_ASSERT(net::http1::write_request_head(head, p.head).has_value(), "an accepted head can be serialised");
    // One more: an absolute-form target becomes a Host line (RFC 9112 section 3.2.2).
    request_parser again(head_limits{.head_bytes = 4096, .header_count = 21, .target_bytes = 256});
    ATRIUM_ASSERT(again.advance(head) == progress::done, "a serialised head is accepted");
    ATRIUM_ASSERT(again.facts().framing == p.facts().framing && again.facts().length == p.facts().length &&
                      again.head.target == p.head.target && again.head.headers.size() == p.head.headers.size(),
                  "a serialised head means the same");
    out.messages.push_back(head + body);
  }
  return out;
}

/// The first byte seeds the splits; the rest is what a client sends. Asserts that splits change nothing.
inline void fuzz_http1(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const std::string_view text(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
  std::uint32_t seed = input[0] * 2654435761u + 1;
  const auto whole = read_requests(text, [&] { return text.size(); });
  const auto split = read_requests(text, [&] { return (seed = seed * 1664525 + 1013904223) >> 27; });
  ATRIUM_ASSERT(whole == split, "the outcome does not depend on how the bytes were split");
}

}  // namespace atrium::tests
