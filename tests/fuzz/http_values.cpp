// Values inside requests: percent-encoding, forms, queries, cookies, addresses; and what of a request crosses a proxy.
#include "net/src/http1_parser.hpp"
#include "net/src/http1_writer.hpp"
#include "net/src/proxy_rules.hpp"
#include "net/src/request_trace.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

namespace {

void encodings(std::string_view text) {
  for (const bool plus : {false, true})
    if (const auto plain = net::percent_decode(text, plus)) {
      ATRIUM_ASSERT(plain->size() <= text.size() && plain->find('\0') == std::string::npos,
                    "decoding shortens, gives no NUL");
      ATRIUM_ASSERT(net::percent_decode(net::percent_encode(*plain)) == plain, "encoding and decoding undo each other");
    }
  std::string form;
  for (const auto& [name, value] : net::parse_form(text)) {
    if (!form.empty()) form += '&';
    form += net::percent_encode(name) + "=" + net::percent_encode(value);
  }
  ATRIUM_ASSERT(net::parse_form(form).size() == net::parse_form(text).size() || form.empty(),
                "a form said again is the same");
  const auto html = net::escape_html(text);
  ATRIUM_ASSERT(html.find_first_of("<>\"'") == std::string::npos, "escaped text opens no tag and no attribute");
  if (const auto o = net::origin::parse(text); o && o->unix_socket.empty()) {
    const auto again = net::origin::parse(std::string(o->secure ? "https://" : "http://") + o->authority());
    ATRIUM_ASSERT(again && again->authority() == o->authority() && again->port == o->port,
                  "an origin said again is the same");
  }
  (void)net::http1::valid_authority(text);
}

/// A trace id goes into logs, rows and pods: whatever comes, it is 32 hex digits there, or none.
void traces(std::string_view text) {
  const auto id = trace::parse_traceparent(text);
  ATRIUM_ASSERT(id.text().find_first_not_of("0123456789abcdef") == std::string::npos, "an id is hex digits");
  ATRIUM_ASSERT(!id || (id.text().size() == 32 && trace::parse(id.text()) == id), "an id said again is the same");
  ATRIUM_ASSERT(!id || trace::parse_traceparent(trace::to_traceparent(id)) == id, "and so is its field");
}

/// A session cookie must not survive in any reading of the Cookie lines: the strictest (ours) and the laxest.
void proxied(std::string_view head) {
  net::http1::request_parser p(net::http1::head_limits{});
  if (p.advance(head) != net::http1::progress::done) return;
  for (const auto token : p.head.cookies("atrium_session")) (void)token;
  (void)p.head.query_value("a");
  ATRIUM_ASSERT(net::trace_of(p.head, nullptr), "every request has a trace id");
  net::proxy_target target{.target = "/x"};
  static constexpr std::string_view ours[] = {"atrium_session"};
  target.strip_cookies = ours;
  static constexpr std::string_view identity[] = {"X-Atrium-User"};
  target.strip_headers = identity;
  target.add = {{"X-Forwarded-Prefix", "/p"}, {"Authorization", "Bearer ours"}};
  for (const bool upgrade : {false, true}) {
    const auto out = net::upstream_request(p.head, target, {"192.0.2.1", false}, upgrade);
    std::string text;
    ATRIUM_ASSERT(net::http1::write_request_head(text, out).has_value(), "what is forwarded can be serialised");
    const auto next = net::behind_proxies({}, 1);
    net::http1::request_parser again({next.head_bytes, next.header_count, next.target_bytes});
    ATRIUM_ASSERT(again.advance(text) == net::http1::progress::done, "and is understood");
    ATRIUM_ASSERT(again.head.cookies("atrium_session").empty(), "no session reaches the upstream");
    for (const auto line : out.headers.all("Cookie"))
      ATRIUM_ASSERT(net::without_cookies(line, target.strip_cookies) == line, "stripping twice changes nothing");
    ATRIUM_ASSERT(out.headers.all("Authorization").size() == 1 && out.headers.all("X-Forwarded-For").size() == 1 &&
                      out.headers.all("X-Forwarded-Proto").size() == 1 && !out.headers.contains("X-Atrium-User"),
                  "what we say stands once, what the client says of it never");
    ATRIUM_ASSERT(!out.headers.contains("Transfer-Encoding") && !out.headers.contains("TE"), "the hop's fields stay");
    ATRIUM_ASSERT(upgrade || !out.headers.contains("Upgrade"), "no upgrade that was not asked for");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto first = in.part();
  encodings(first);
  traces(first);
  proxied("GET /?" + std::string(first.substr(0, first.find_first_of(" \r\n"))) +
          " HTTP/1.1\r\nHost: a\r\nCookie: " + std::string(in.part()) + "\r\n" + std::string(in.part()) + "\r\n\r\n");
  return 0;
}
