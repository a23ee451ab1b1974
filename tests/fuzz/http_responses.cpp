// Answers as a project, the Kubernetes API or another server sends them to our client and proxy.
#include "net/src/http1_body.hpp"
#include "net/src/http1_writer.hpp"
#include "net/src/proxy_rules.hpp"
#include "net/src/resumed_answer.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace atrium;
using namespace atrium::net::http1;

struct outcome {
  unsigned status = 0, refused = 0;
  std::string head, body;
  bool whole = false;
  bool operator==(const outcome&) const = default;
};

outcome read(std::string_view text, bool to_head, std::size_t first, std::uint32_t seed) {
  outcome out;
  response_parser p({.head_bytes = 2048, .header_count = 20}, to_head);
  std::size_t arrived = std::min(first, text.size());
  const auto more = [&] {
    seed = seed * 1664525u + 1013904223u;
    return arrived < text.size() && (arrived = std::min<std::size_t>(text.size(), arrived + 1 + (seed >> 27)));
  };
  progress what;
  while ((what = p.advance(text.substr(0, arrived))) == progress::more)
    if (!more()) return out;
  if (what == progress::refused) return out.refused = p.why().status, out;
  out.status = p.status;
  ATRIUM_ASSERT(write_response_head(out.head, p.status, p.headers).has_value(), "an accepted head can be serialised");
  response_parser again({.head_bytes = 4096, .header_count = 20}, to_head);
  ATRIUM_ASSERT(again.advance(out.head) == progress::done, "a serialised head is accepted");
  ATRIUM_ASSERT(again.status == p.status && again.headers.size() == p.headers.size(), "and means the same");
  std::size_t at = p.consumed();
  body_decoder d(p.facts());
  while (!d.finished()) {
    const auto s = d.next(text.substr(at, arrived - at));
    ATRIUM_ASSERT(s.consumed <= arrived - at && s.data.size() <= s.consumed, "no more is consumed than there is");
    at += s.consumed;
    out.body += s.data;
    if (s.what == progress::refused) return out.refused = 502, out;
    if (s.consumed == 0 && !d.finished() && !more()) break;
  }
  out.whole = d.finished() || d.end_of_stream();
  return out;
}

void forward(const outcome& o, std::string_view text, bool to_head) {
  response_parser p({.head_bytes = 2048, .header_count = 20}, to_head);
  if (o.status == 0 || p.advance(text) != progress::done) return;
  if (const auto part = net::part_of(p.status, p.headers)) {
    ATRIUM_ASSERT(part->first <= part->end && part->end <= part->size, "a part lies within its whole");
    ATRIUM_ASSERT(p.headers.find("ETag") == part->etag, "and is known by its ETag");
  }
  net::proxy_target target;
  static constexpr std::string_view ours[] = {"atrium_session"};
  target.refuse_set_cookies = ours;
  const auto out = net::client_headers(p.status, p.headers, target);
  std::string again;
  ATRIUM_ASSERT(write_response_head(again, p.status, out).has_value(), "what is forwarded can be serialised");
  ATRIUM_ASSERT(!out.contains("Transfer-Encoding") && !out.contains("Keep-Alive") && !out.contains("Alt-Svc"),
                "fields of the hop stay");
  for (const auto cookie : out.all("Set-Cookie")) {
    ATRIUM_ASSERT(cookie.find('=') != std::string_view::npos, "cookies have names");
    ATRIUM_ASSERT(!net::equal_nocase(cookie.substr(0, cookie.find('=')), "atrium_session"), "hub cookies are refused");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto seed = in.byte();
  const bool to_head = seed % 8 == 7;
  const auto text = in.rest();
  const auto whole = read(text, to_head, text.size(), 0);
  ATRIUM_ASSERT(whole == read(text, to_head, 1, seed * 2654435761u), "splits change nothing");
  forward(whole, text, to_head);
  return 0;
}
