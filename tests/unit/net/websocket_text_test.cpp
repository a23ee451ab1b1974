// UTF-8 and closing by RFC 6455 (Autobahn's sections 6 and 7), and the values of the handshake.
#include "tests/unit/net/websocket_codec_fixture.hpp"

namespace atrium::net::ws {
namespace {

TEST(WebsocketCodec, ValidTextArrives) {
  for (std::string_view text :
       {"Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4", "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF", "\xF0\x90\x80\x80", "\xEF\xBF\xBF", "\x7F", "\xC2\x80",
        "\xE0\xA0\x80"}) {
    const auto r = decode_every_split(frame(opcode::text, text));
    ASSERT_EQ(r.events.size(), 1u) << text;
    EXPECT_EQ(r.events[0].data, text);
    // The same text, a fragment a byte: characters cross fragments.
    std::string bytes = frame(opcode::text, text.substr(0, 1), false);
    for (std::size_t i = 1; i < text.size(); ++i)
      bytes += frame(opcode::continuation, text.substr(i, 1), false) + frame(opcode::ping, "");
    EXPECT_EQ(decode_every_split(bytes + frame(opcode::continuation, "")).events.back().data, text);
  }
}

TEST(WebsocketCodec, InvalidTextIsRefused) {
  for (std::string_view text : {"\x80",
                                "\xBF",
                                "\xC0\xAF",
                                "\xC1\xBF",
                                "\xE0\x80\xAF",
                                "\xE0\x9F\xBF",
                                "\xF0\x80\x80\xAF",
                                "\xF0\x8F\xBF\xBF",
                                "\xF8\x88\x80\x80\x80",
                                "\xFC\x84\x80\x80\x80\x80",
                                "\xFE",
                                "\xFF",
                                "\xED\xA0\x80",
                                "\xED\xBF\xBF",
                                "\xF4\x90\x80\x80",
                                "\xF5\x80\x80\x80",
                                "\xC2 ",
                                "\xE1\x80 ",
                                "\xF1\x80\x80 ",
                                "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xED\xA0\x80"
                                "edited",
                                "12345678\xFF"}) {
    EXPECT_EQ(decode_every_split(frame(opcode::text, text)).failed, 1007u) << text;
    EXPECT_EQ(decode(frame(opcode::binary, text), {}, websocket_role::server, 100).failed, 0u) << "binary is not text";
    for (std::size_t cut = 1; cut < text.size(); ++cut)
      EXPECT_EQ(decode_every_split(frame(opcode::text, text.substr(0, cut), false) +
                                   frame(opcode::continuation, text.substr(cut)))
                    .failed,
                1007u);
  }
}

TEST(WebsocketCodec, InvalidTextIsRefusedBeforeTheMessageEnds) {
  EXPECT_EQ(decode(frame(opcode::text, "ok\xED\xA0", false), {}, websocket_role::server, 100).failed, 1007u);
  const auto announced = raw({0x81, 100}) + "\xF4\x90";
  EXPECT_EQ(decode(announced, {}, websocket_role::server, 1000).failed, 1007u);
}

TEST(WebsocketCodec, TextThatEndsInsideACharacterIsRefused) {
  for (std::string_view text : {"\xC2", "abc\xE1\x80", "\xF1\x80\x80", "12345678\xF0"}) {
    EXPECT_EQ(decode_every_split(frame(opcode::text, text)).failed, 1007u);
    EXPECT_EQ(decode_every_split(frame(opcode::text, text, false) + frame(opcode::continuation, "")).failed, 1007u);
  }
  // An aborted message must not spoil the next one.
  EXPECT_EQ(decode_every_split(frame(opcode::text, "\xC2\xB5") + frame(opcode::text, "\xC2\xB5")).events.size(), 2u);
}

std::string close_frame(unsigned code, std::string_view reason = {}) {
  return frame(opcode::close, raw({code >> 8, code & 0xFF}) + std::string(reason));
}

TEST(WebsocketCodec, CloseCodes) {
  for (unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u, 1013u, 1014u, 3000u,
                        3999u, 4000u, 4401u, 4999u}) {
    const auto r = decode_every_split(close_frame(code, "why"));
    ASSERT_EQ(r.events.size(), 1u) << code;
    EXPECT_EQ(r.events[0].code, code);
    EXPECT_EQ(r.events[0].data, "why");
  }
  for (unsigned code : {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u})
    EXPECT_EQ(decode_every_split(close_frame(code)).failed, 1002u) << code;
}

TEST(WebsocketCodec, ClosePayloads) {
  const auto none = decode_every_split(frame(opcode::close, ""));
  ASSERT_EQ(none.events.size(), 1u);
  EXPECT_EQ(none.events[0].code, 1005u);
  EXPECT_EQ(decode_every_split(frame(opcode::close, "\x03")).failed, 1002u);
  EXPECT_EQ(decode_every_split(close_frame(1000, "\xCE\xBA\xED\xA0\x80")).failed, 1007u);
  EXPECT_EQ(decode_every_split(close_frame(1000, "\xC2")).failed, 1007u);
  EXPECT_EQ(decode_every_split(close_frame(1000, std::string(123, 'r'))).events.size(), 1u);
}

TEST(WebsocketCodec, NothingAfterACloseCounts) {
  const auto r = decode_every_split(close_frame(1000) + frame(opcode::text, "late") + "\xFF\xFF garbage");
  EXPECT_EQ(r.failed, 0u);
  EXPECT_EQ(r.events.size(), 1u);
}

TEST(WebsocketCodec, CloseReasonsAreCutAtACharacter) {
  std::string reason(122, 'a');
  reason += "\xC3\xA4\xC3\xA4";
  const auto payload = close_payload(1001, reason);
  EXPECT_EQ(payload.size(), 2u + 122u);
  EXPECT_TRUE(valid_utf8(std::string_view(payload).substr(2)));
  EXPECT_EQ(close_payload(0, "x"), "");
}

TEST(WebsocketCodec, HandshakeOfTheRfc) {
  EXPECT_EQ(handshake_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(valid_handshake_key("dGhlIHNhbXBsZSBub25jZQ=="));
  const auto key = make_handshake_key();
  EXPECT_TRUE(valid_handshake_key(key));
  EXPECT_NE(key, make_handshake_key());
  for (auto bad : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25=ZQ==",
                   "dGhlIHNhbXBsZSBub25j!Q==", "AAAA"})
    EXPECT_FALSE(valid_handshake_key(bad)) << bad;
}

TEST(WebsocketCodec, MasksVary) {
  std::set<mask_key> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_mask());
  EXPECT_GT(seen.size(), 990u);
}

TEST(WebsocketCodec, UnfinishedIsKnown) {
  decoder d(websocket_role::server, 100);
  const auto bytes = frame(opcode::text, "ab");
  auto in = rt::as_bytes(std::string_view(bytes).substr(0, 3));
  EXPECT_FALSE(d.unfinished());
  ASSERT_TRUE(d.feed(in).has_value());
  EXPECT_TRUE(d.unfinished());
  in = rt::as_bytes(std::string_view(bytes).substr(3));
  ASSERT_TRUE(d.feed(in)->has_value());
  EXPECT_FALSE(d.unfinished());
}

}  // namespace
}  // namespace atrium::net::ws
