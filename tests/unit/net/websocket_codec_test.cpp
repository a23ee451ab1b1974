// Framing by RFC 6455: the classes of the Autobahn suite's sections 1 to 5, each with every split of the bytes.
#include "tests/unit/net/websocket_codec_fixture.hpp"

namespace atrium::net::ws {
namespace {

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

}  // namespace
}  // namespace atrium::net::ws
