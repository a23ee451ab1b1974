// A bounded, seeded run of the fuzz entry over mutations of valid and hostile messages.
#include "tests/unit/net/http1_fuzz.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace atrium::tests;

TEST(Http1Fuzz, MutatedStreamsAreReadTheSameInEverySplit) {
  const std::string seeds[] = {
      "GET /a?b HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nT: u\r\n\r\nGET / "
      "HTTP/1.0\r\n\r\n",
      "OPTIONS http://b:1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"};
  const std::string pieces[] = {"\r\n",
                                "\n",
                                "\r",
                                " ",
                                "\t",
                                ":",
                                "0",
                                ",",
                                ";",
                                std::string(1, '\0'),
                                "Content-Length: 1\r\n",
                                "Transfer-Encoding: chunked\r\n",
                                "0\r\n\r\n",
                                "chunked",
                                "\x80",
                                "ffffffffffffffff",
                                "Host: b\r\n",
                                "GET / HTTP/1.1\r\nHost: a\r\n\r\n"};
  std::mt19937 random(20);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  std::size_t accepted = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = static_cast<char>(below(256)) + seeds[below(std::size(seeds))];
    for (std::size_t n = below(4); n > 0; --n) {
      const auto at = 1 + below(text.size() - 1);
      switch (below(4)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(3));
          break;
        case 2:
          text.insert(at, pieces[below(std::size(pieces))]);
          break;
        default:
          text.insert(at, text.substr(1 + below(text.size() - 1), below(40)));
      }
      if (text.size() < 2) break;
    }
    fuzz_http1({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    const auto o = read_requests(std::string_view(text).substr(1), [&] { return text.size(); });
    accepted += o.messages.size();
    refused += o.refused != 0;
  }
  EXPECT_GT(accepted, 5'000u) << "the mutations must not all be nonsense";
  EXPECT_GT(refused, 5'000u);
}
