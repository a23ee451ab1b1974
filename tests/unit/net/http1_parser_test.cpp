#include "net/src/http1_parser.hpp"

#include <gmock/gmock.h>

#include <optional>

using namespace atrium;
using namespace atrium::net;
using namespace atrium::net::http1;

namespace {

constexpr head_limits small{.head_bytes = 1024, .header_count = 10, .target_bytes = 128};

struct outcome {
  progress what;
  unsigned status = 0;
  std::string method, target;
  std::size_t consumed = 0, fields = 0;
  bool operator==(const outcome&) const = default;
};

/// Gives the bytes up to each cut, then all of them.
outcome feed(std::string_view text, std::initializer_list<std::size_t> cuts) {
  request_parser p(small);
  auto what = progress::more;
  for (auto cut : cuts)
    if (what == progress::more) what = p.advance(text.substr(0, cut));
  if (what == progress::more) what = p.advance(text);
  outcome o{what};
  if (what == progress::refused) o.status = p.why().status;
  if (what == progress::done) o = {what, 0, p.head.method, p.head.target, p.consumed(), p.head.headers.size()};
  return o;
}

/// The outcome, which must be the same for every way to cut the bytes in two, and for one byte at a time.
outcome parse(std::string_view text) {
  const auto whole = feed(text, {});
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(feed(text, {cut}), whole) << "cut at " << cut << " of:\n" << text;
  request_parser p(small);
  auto what = progress::more;
  for (std::size_t n = 0; n <= text.size() && what == progress::more; ++n) what = p.advance(text.substr(0, n));
  EXPECT_EQ(what, whole.what) << "byte by byte:\n" << text;
  return whole;
}

unsigned status_of(std::string_view text) {
  const auto o = parse(text);
  return o.what == progress::refused ? o.status : o.what == progress::done ? 200 : 0;
}

std::string get(std::string_view fields, std::string_view line = "GET / HTTP/1.1") {
  return std::string(line) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view fields) { return get(fields, "POST / HTTP/1.1"); }

TEST(RequestHead, IsReadWhole) {
  const std::string text =
      "POST /a/b?c=d%20e HTTP/1.1\r\nHost: example.org:8080\r\nX-Empty:\r\nAccept: \t text/html \t\r\n\r\nrest";
  const auto o = parse(text);
  EXPECT_EQ(o.what, progress::done);
  EXPECT_EQ(o.method, "POST");
  EXPECT_EQ(o.target, "/a/b?c=d%20e");
  EXPECT_EQ(o.consumed, text.size() - 4);
  request_parser p(small);
  ASSERT_EQ(p.advance(text), progress::done);
  EXPECT_EQ(p.head.headers.find("accept"), "text/html");
  EXPECT_EQ(p.head.headers.find("x-empty"), "");
  EXPECT_TRUE(p.facts().keep_alive);
}

TEST(RequestHead, OneEmptyLineInFrontIsTolerated) {
  EXPECT_EQ(status_of("\r\n" + get("")), 200u);
  EXPECT_EQ(status_of("\r\n\r\n" + get("")), 400u);
  EXPECT_EQ(status_of("\n" + get("")), 400u);
}

TEST(RequestHead, BadLinesAreRefused) {
  for (const char* line : {"GET  / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           " GET / HTTP/1.1",
                           "GET /",
                           "GET",
                           "/",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/11",
                           "GET / HTTP/1.1x",
                           "GET\t/ HTTP/1.1",
                           "G@T / HTTP/1.1",
                           "G\x80T / HTTP/1.1",
                           "GET / a HTTP/1.1",
                           "GET /\x01 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /\xc3\xa9 HTTP/1.1",
                           "GET /#a HTTP/1.1",
                           "GET /<b> HTTP/1.1",
                           "GET /a\\b HTTP/1.1",
                           "GET a HTTP/1.1",
                           "GET * HTTP/1.1",
                           "GET http://u@a/ HTTP/1.1",
                           "GET ftp://a/ HTTP/1.1",
                           "GET http:///x HTTP/1.1",
                           "GET http://a:99999/ HTTP/1.1",
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHI / HTTP/1.1"})
    EXPECT_EQ(status_of(get("", line)), 400u) << line;
  EXPECT_EQ(status_of(get("", "GET / HTTP/2.0")), 505u);
  EXPECT_EQ(status_of(get("", "GET / HTTP/0.9")), 505u);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\n"), 505u);
  EXPECT_EQ(status_of(get("", "CONNECT a:80 HTTP/1.1")), 501u);
  EXPECT_EQ(status_of(get("", "OPTIONS * HTTP/1.1")), 200u);
  EXPECT_EQ(status_of(get("", "get /a|b?q={1}^\\ HTTP/1.1")), 200u);
}

TEST(RequestHead, NulAndControlCharactersAreRefused) {
  for (int c = 0; c < 256; ++c) {
    const bool fine = c == '\t' || (c >= 0x20 && c != 0x7f);
    const std::string text = get("X: a" + std::string(1, static_cast<char>(c)) + "b\r\n");
    EXPECT_EQ(status_of(text), fine ? 200u : 400u) << c;
  }
}

TEST(RequestHead, LineEndsAreExact) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\rHost: a\r\n\r\n"), 400u);
  EXPECT_EQ(status_of(get("X: a\rY: b\r\n")), 400u);
}

TEST(RequestHead, MalformedFieldsAreRefused) {
  for (const char* field : {"X : a", "X\t: a", " X: a", "\tX: a", ": a", "X", "X Y: a", "X\x80: a", "(X): a",
                            "X: a\r\n b", "X: a\r\n\tb", "X:a\r\n ", "X;Y: a", "\"X\": a"})
    EXPECT_EQ(status_of(get(std::string(field) + "\r\n")), 400u) << field;
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400u);
}

TEST(RequestHead, HostMustBeThereOnceAndWellFormed) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400u);
  EXPECT_EQ(status_of(get("Host: a\r\n")), 400u);
  EXPECT_EQ(status_of(get("host: b\r\n")), 400u);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 200u);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400u);
  for (const char* host : {"", "a b", "a,b", "u@a", "a/b", "a?b", "a:", "a:x", "a:80:80", "a:99999", "[::1", "[]",
                           "[::1]x", "[g::]", "a\\b", "a%41"})
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), 400u) << host;
  for (const char* host : {"a", "a.b-c.d_e:1", "127.0.0.1:65535", "[::1]", "[fe80::1.2.3.4]:80", "p-1.localhost"})
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), 200u) << host;
}

TEST(RequestHead, AbsoluteFormReplacesHost) {
  request_parser p(small);
  ASSERT_EQ(p.advance("GET HTTP://Other.org:81?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"), progress::done);
  EXPECT_EQ(p.head.target, "/?x=1");
  EXPECT_EQ(p.head.headers.all("Host"), std::vector<std::string_view>{"Other.org:81"});
  EXPECT_EQ(parse("GET http://b/c?d HTTP/1.1\r\nHost: a\r\n\r\n").target, "/c?d");
  EXPECT_EQ(status_of("GET http://b/c HTTP/1.1\r\n\r\n"), 400u);
}

TEST(RequestHead, FramingIsUnambiguousOrRefused) {
  for (const char* fields : {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
                             "Content-Length: 1\r\nContent-Length: 1\r\n",
                             "Content-Length: 1\r\nContent-Length: 2\r\n",
                             "Content-Length: 1, 1\r\n",
                             "Content-Length: 1,\r\n",
                             "Content-Length:\r\n",
                             "Content-Length: +1\r\n",
                             "Content-Length: -1\r\n",
                             "Content-Length: 0x1\r\n",
                             "Content-Length: 1 1\r\n",
                             "Content-Length: 01\r\n",
                             "Content-Length: 1.0\r\n",
                             "Content-Length: 1_0\r\n",
                             "Content-Length: \"1\"\r\n",
                             "Content-Length: 18446744073709551617\r\n",
                             "Content-Length: 9999999999999999999\r\n",
                             "Content-Length: 1;a\r\n",
                             "Transfer-Encoding: identity\r\n",
                             "Transfer-Encoding: chunked, identity\r\n",
                             "Transfer-Encoding: chunked, chunked\r\n",
                             "Transfer-Encoding: identity, chunked\r\n",
                             "Transfer-Encoding: xchunked\r\n",
                             "Transfer-Encoding: \"chunked\"\r\n",
                             "Transfer-Encoding: chunked;a=b\r\n",
                             "Transfer-Encoding: ,chunked\r\n",
                             "Transfer-Encoding: chunked,\r\n",
                             "Transfer-Encoding:\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: gzip\r\n",
                             "Transfer-Encoding: chun ked\r\n",
                             "Transfer-Encoding: \x0b"
                             "chunked\r\n",
                             "Content-Length: 1\r\ntransfer-encoding: chunked\r\n",
                             "Transfer-Encoding : chunked\r\n",
                             "Content-Length\t: 1\r\n"})
    EXPECT_EQ(status_of(post(fields)), 400u) << fields;
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip, chunked\r\n")), 501u);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400u);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400u);

  const auto facts = [](std::string fields) {
    request_parser p(small);
    EXPECT_EQ(p.advance(post(fields)), progress::done) << fields;
    return p.facts();
  };
  EXPECT_EQ(facts("Transfer-Encoding: CHUNKED\r\n").framing, framing::chunked);
  EXPECT_EQ(facts("Content-Length: 12\r\n").length, 12u);
  EXPECT_EQ(facts("Content-Length: 999999999999999999\r\n").length, 999999999999999999u);
  EXPECT_EQ(facts("Content-Length: 0\r\n").framing, framing::none);
  EXPECT_EQ(facts("").framing, framing::none) << "a request is never delimited by the end of the connection";
}

TEST(RequestHead, ExpectAndConnection) {
  EXPECT_EQ(status_of(post("Expect: 200-ok\r\n")), 417u);
  request_parser p(small);
  ASSERT_EQ(p.advance(post("Expect: 100-Continue\r\nContent-Length: 1\r\nConnection: x, Close\r\n")), progress::done);
  EXPECT_TRUE(p.facts().expects_continue);
  EXPECT_FALSE(p.facts().keep_alive);
  request_parser old(small);
  ASSERT_EQ(old.advance("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), progress::done);
  EXPECT_TRUE(old.facts().keep_alive);
}

TEST(RequestHead, LimitsHoldForEverySplit) {
  EXPECT_EQ(status_of("GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414u);
  EXPECT_EQ(status_of("GET /" + std::string(128, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414u);
  EXPECT_EQ(status_of("GET /" + std::string(127, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 200u);
  EXPECT_EQ(status_of(std::string(300, 'a')), 414u);
  EXPECT_EQ(status_of(get("X: " + std::string(1100, 'a') + "\r\n")), 431u);
  EXPECT_EQ(status_of(get("X: " + std::string(1100, 'a'))), 431u);
  std::string many;
  for (int i = 0; i < 9; ++i) many += "X: a\r\n";
  EXPECT_EQ(status_of(get(many)), 200u);
  EXPECT_EQ(status_of(get(many + "X: a\r\n")), 431u);
}

TEST(RequestHead, UnfinishedHeadsWait) {
  const std::string text = get("A: b\r\n");
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_EQ(feed(text.substr(0, n), {}).what, progress::more) << n;
}

struct answer {
  progress what;
  unsigned status = 0;
  http1::framing framing{};
  bool keep = false;
  bool operator==(const answer&) const = default;
};

answer parse_answer(std::string_view text, bool to_head = false) {
  std::optional<answer> first;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    response_parser p(small, to_head);
    auto what = p.advance(text.substr(0, cut));
    if (what == progress::more) what = p.advance(text);
    const answer a =
        what == progress::done ? answer{what, p.status, p.facts().framing, p.facts().keep_alive} : answer{what};
    if (!first) first = a;
    EXPECT_EQ(a, *first) << "cut at " << cut << " of:\n" << text;
  }
  return *first;
}

TEST(ResponseHead, SaysHowItsBodyEnds) {
  const auto framing_of = [](std::string head, bool to_head = false) {
    return parse_answer(head + "\r\n", to_head).framing;
  };
  EXPECT_EQ(framing_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"), framing::length);
  EXPECT_EQ(framing_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"), framing::chunked);
  EXPECT_EQ(framing_of("HTTP/1.1 200 OK\r\n"), framing::until_close);
  EXPECT_EQ(framing_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", true), framing::none);
  EXPECT_EQ(framing_of("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n"), framing::none);
  EXPECT_EQ(framing_of("HTTP/1.1 304\r\nContent-Length: 3\r\n"), framing::none);
  EXPECT_EQ(framing_of("HTTP/1.1 101 Switching Protocols\r\n"), framing::none);
  EXPECT_FALSE(parse_answer("HTTP/1.1 200 OK\r\n\r\n").keep);
  EXPECT_TRUE(parse_answer("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").keep);
  EXPECT_FALSE(parse_answer("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep);
}

TEST(ResponseHead, BadAnswersAreRefused) {
  for (const char* text :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 200 OK\n\n", "hello\r\n\r\n", "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"})
    EXPECT_EQ(parse_answer(text).what, progress::refused) << text;
}

}  // namespace
