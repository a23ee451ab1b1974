// Framing by RFC 6455: every class of the Autobahn suite's sections 1 to 7, each with every split of the bytes.
#include "atrium/net/websocket_codec.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "atrium/rt/io.hpp"

namespace atrium::net::ws {
namespace {

using kind = event::kind;

struct outcome {
  std::vector<event> events;
  unsigned failed = 0;  // close code
};

outcome decode(std::string_view bytes, std::initializer_list<std::size_t> cuts, websocket_role peer,
               std::size_t limit) {
  decoder d(peer, limit);
  outcome out;
  std::size_t from = 0;
  std::vector<std::size_t> ends(cuts);
  ends.push_back(bytes.size());
  for (auto end : ends) {
    auto piece = rt::as_bytes(bytes.substr(from, end - from));
    from = end;
    do {
      auto r = d.feed(piece);
      if (!r) {
        out.failed = close_code_of(r.error());
        return out;
      }
      if (!*r) break;
      out.events.push_back(std::move(**r));
    } while (true);
  }
  return out;
}

bool same(const outcome& a, const outcome& b) {
  if (a.failed != b.failed || a.events.size() != b.events.size()) return false;
  for (std::size_t i = 0; i < a.events.size(); ++i)
    if (a.events[i].what != b.events[i].what || a.events[i].data != b.events[i].data ||
        a.events[i].code != b.events[i].code)
      return false;
  return true;
}

/// Decodes whole, then at every single cut and, when short, at every pair of cuts: all must agree.
outcome decode_every_split(std::string_view bytes, websocket_role peer = websocket_role::server,
                           std::size_t limit = 1 << 20) {
  const auto whole = decode(bytes, {}, peer, limit);
  for (std::size_t i = 0; i <= bytes.size(); ++i)
    EXPECT_TRUE(same(whole, decode(bytes, {i}, peer, limit))) << "cut at " << i << " of " << bytes.size();
  if (bytes.size() <= 80)
    for (std::size_t i = 0; i <= bytes.size(); ++i)
      for (std::size_t j = i; j <= bytes.size(); ++j)
        EXPECT_TRUE(same(whole, decode(bytes, {i, j}, peer, limit))) << "cuts at " << i << ", " << j;
  return whole;
}

std::string frame(opcode op, std::string_view payload, bool fin = true, std::optional<mask_key> mask = {}) {
  return make_frame(op, rt::as_bytes(payload), mask, fin);
}
std::string raw(std::initializer_list<unsigned> bytes) {
  std::string out;
  for (auto b : bytes) out += static_cast<char>(b);
  return out;
}

TEST(WebsocketCodec, MessagesOfEveryLengthClassArriveInBothRoles) {
  for (std::size_t size : {0u, 1u, 125u, 126u, 127u, 128u, 65535u, 65536u, 70000u}) {
    const std::string text(size, '*');
    for (auto op : {opcode::text, opcode::binary}) {
      auto r = decode(frame(op, text), {size / 2}, websocket_role::server, 1 << 20);
      ASSERT_EQ(r.events.size(), 1u);
      EXPECT_EQ(r.events[0].data, text);
      EXPECT_EQ(r.events[0].what, op == opcode::text ? kind::text : kind::binary);
      r = decode(frame(op, text, true, mask_key{1, 0xFE, 3, 0x80}), {size / 2}, websocket_role::client, 1 << 20);
      ASSERT_EQ(r.events.size(), 1u);
      EXPECT_EQ(r.events[0].data, text);
    }
  }
}

TEST(WebsocketCodec, MaskingDoesNotDependOnWhereThePayloadIsCut) {
  std::string text;
  for (int i = 0; i < 67; ++i) text += static_cast<char>(i * 7);
  const auto masked = frame(opcode::binary, text, true, mask_key{0xA1, 0xB2, 0xC3, 0xD4});
  EXPECT_EQ(static_cast<unsigned char>(masked[6] ^ text[0]), 0xA1);
  EXPECT_EQ(static_cast<unsigned char>(masked[6 + 66] ^ text[66]), 0xC3);
  const auto r = decode_every_split(masked, websocket_role::client);
  ASSERT_EQ(r.events.size(), 1u);
  EXPECT_EQ(r.events[0].data, text);
}

TEST(WebsocketCodec, ManyFramesInOnePiece) {
  std::string bytes;
  for (int i = 0; i < 10; ++i)
    bytes += frame(opcode::ping, "p" + std::to_string(i)) + frame(opcode::text, std::to_string(i));
  const auto r = decode_every_split(bytes);
  ASSERT_EQ(r.events.size(), 20u);
  EXPECT_EQ(r.events[18].data, "p9");
  EXPECT_EQ(r.events[19].data, "9");
}

TEST(WebsocketCodec, ControlFramesMayStandBetweenFragments) {
  const auto r = decode_every_split(frame(opcode::text, "frag", false) + frame(opcode::ping, "a") +
                                    frame(opcode::continuation, "me", false) + frame(opcode::pong, "") +
                                    frame(opcode::continuation, "nt"));
  ASSERT_EQ(r.events.size(), 3u);
  EXPECT_EQ(r.events[0].what, kind::ping);
  EXPECT_EQ(r.events[1].what, kind::pong);
  EXPECT_EQ(r.events[2].data, "fragment");
}

TEST(WebsocketCodec, EmptyFragmentsAreAMessage) {
  const auto r = decode_every_split(frame(opcode::binary, "", false) + frame(opcode::continuation, "", false) +
                                    frame(opcode::continuation, ""));
  ASSERT_EQ(r.events.size(), 1u);
  EXPECT_EQ(r.events[0].what, kind::binary);
  EXPECT_EQ(r.events[0].data, "");
}

TEST(WebsocketCodec, ReservedBitsAreRefused) {
  for (unsigned bits : {0x10u, 0x20u, 0x30u, 0x40u, 0x50u, 0x60u, 0x70u})
    for (unsigned op : {1u, 2u, 8u, 9u, 10u}) {
      const auto r = decode_every_split(frame(opcode::text, "ok") + raw({0x80 | bits | op, 0}));
      EXPECT_EQ(r.failed, 1002u);
      EXPECT_EQ(r.events.size(), 1u) << "what came before is delivered";
    }
}

TEST(WebsocketCodec, ReservedOpcodesAreRefused) {
  for (unsigned op : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u})
    EXPECT_EQ(decode_every_split(raw({0x80 | op, 0})).failed, 1002u) << op;
}

TEST(WebsocketCodec, ControlFramesAreShortAndWhole) {
  for (auto op : {opcode::ping, opcode::pong, opcode::close}) {
    EXPECT_EQ(decode_every_split(frame(op, "", false)).failed, 1002u);
    EXPECT_EQ(decode(frame(op, std::string(126, 'x')), {}, websocket_role::server, 1 << 20).failed, 1002u);
  }
  const auto r = decode_every_split(frame(opcode::ping, std::string(125, '\xFE')));
  ASSERT_EQ(r.events.size(), 1u);
  EXPECT_EQ(r.events[0].data.size(), 125u);
}

TEST(WebsocketCodec, MaskingIsTheClientsDuty) {
  EXPECT_EQ(decode_every_split(frame(opcode::text, "x"), websocket_role::client).failed, 1002u);
  EXPECT_EQ(decode_every_split(frame(opcode::text, "x", true, mask_key{}), websocket_role::server).failed, 1002u);
}

TEST(WebsocketCodec, LengthsStandInTheirShortestForm) {
  EXPECT_EQ(decode_every_split(raw({0x82, 126, 0, 125})).failed, 1002u);
  EXPECT_EQ(decode_every_split(raw({0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF})).failed, 1002u);
  EXPECT_EQ(decode_every_split(raw({0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0})).failed, 1002u);
}

TEST(WebsocketCodec, OversizeIsRefusedBeforeItsPayload) {
  EXPECT_EQ(decode_every_split(raw({0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})).failed, 1009u);
  EXPECT_EQ(decode_every_split(raw({0x82, 11}), websocket_role::server, 10).failed, 1009u);
  EXPECT_EQ(decode_every_split(frame(opcode::text, "12345", false) + frame(opcode::continuation, "67890"),
                               websocket_role::server, 10)
                .failed,
            0u);
  EXPECT_EQ(decode_every_split(frame(opcode::text, "12345", false) + raw({0x80, 6}), websocket_role::server, 10).failed,
            1009u);
}

TEST(WebsocketCodec, FragmentationOutOfOrderIsRefused) {
  EXPECT_EQ(decode_every_split(frame(opcode::continuation, "x")).failed, 1002u);
  EXPECT_EQ(decode_every_split(frame(opcode::continuation, "x", false)).failed, 1002u);
  EXPECT_EQ(decode_every_split(frame(opcode::text, "a", false) + frame(opcode::text, "b")).failed, 1002u);
  const auto r = decode_every_split(frame(opcode::text, "a", false) + frame(opcode::continuation, "b") +
                                    frame(opcode::continuation, "c"));
  EXPECT_EQ(r.events.size(), 1u);
  EXPECT_EQ(r.failed, 1002u);
}

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
