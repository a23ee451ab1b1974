/// @file websocket_codec.hpp - WebSocket framing and handshake values (RFC 6455) without I/O. Layer: net.
///
/// Strict: reserved bits, unknown opcodes, wrong masking, lengths not in their shortest form, fragmented or long
/// control frames, bad close codes and invalid UTF-8 are protocol errors. No extensions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::net {

enum class websocket_role : std::uint8_t { server, client };

namespace ws {

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

using mask_key = std::array<std::uint8_t, 4>;

/// XORs `bytes` in place; `position` is the offset of bytes[0] in the frame's payload. Eight bytes at a time.
void apply_mask(std::span<std::byte> bytes, mask_key key, std::uint64_t position = 0) noexcept;

/// Checks UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF) fed in pieces of any size.
class utf8_validator {
 public:
  /// False as soon as no continuation could make the text valid; stays false until reset().
  bool feed(std::span<const std::byte> piece) noexcept;
  /// True when the text could end here.
  bool complete() const noexcept { return valid_ && left_ == 0; }
  void reset() noexcept { *this = {}; }

 private:
  bool begin(std::uint8_t byte) noexcept;
  bool valid_ = true;
  std::uint8_t left_ = 0;                  // continuation bytes still to come
  std::uint8_t low_ = 0x80, high_ = 0xBF;  // bounds of the next one
};

bool valid_utf8(std::string_view text) noexcept;

/// True for codes that may stand in a close frame: 1000-1003, 1007-1014, 3000-4999.
bool valid_close_code(unsigned code) noexcept;

/// Head of a frame: 2 to 14 bytes.
struct frame_head {
  std::array<std::byte, 14> bytes;
  std::uint8_t size = 0;
  std::span<const std::byte> view() const noexcept { return {bytes.data(), size}; }
};
frame_head make_head(opcode, std::uint64_t length, std::optional<mask_key> mask, bool fin = true) noexcept;

/// A whole frame; clients give a mask.
std::string make_frame(opcode, std::span<const std::byte> payload, std::optional<mask_key> mask, bool fin = true);

/// Payload of a close frame: empty for code 0 (none). The reason is cut to 123 bytes at a character boundary.
std::string close_payload(std::uint16_t code, std::string_view reason);

/// What the peer said. `data` is the message, the ping or pong payload, or the reason of a close.
struct event {
  enum class kind : std::uint8_t { text, binary, ping, pong, close };
  kind what = kind::text;
  std::string data;
  std::uint16_t code = 0;  ///< of a close; 1005 when the frame had none
};

/// Turns the peer's bytes into events. Holds only what is unfinished: nothing between messages.
class decoder {
 public:
  /// `peer` is the other side's role: frames of a client must be masked, those of a server must not.
  decoder(websocket_role peer, std::size_t message_limit) noexcept : peer_(peer), limit_(message_limit) {}

  /// Takes bytes off the front of `in` until an event is complete, or until `in` is empty (nullopt).
  /// After a close event everything further is ignored. After an error the decoder is done.
  /// @errors invalid (close_code_of: 1002 or 1007), overloaded (1009)
  result<std::optional<event>> feed(std::span<const std::byte>& in);
  /// True inside a frame or between fragments.
  bool unfinished() const noexcept { return have_ > 0 || in_message_; }

 private:
  std::optional<error> take_head();
  std::optional<error> take_payload(std::span<const std::byte> piece);
  result<std::optional<event>> end_frame();
  result<std::optional<event>> end_close();
  bool control() const noexcept { return static_cast<std::uint8_t>(opcode_) >= 8; }

  websocket_role peer_;
  std::size_t limit_;
  std::array<std::uint8_t, 14> head_{};
  std::uint8_t have_ = 0, need_ = 2;  // bytes of the head
  bool in_payload_ = false, in_message_ = false, fin_ = false, closed_ = false;
  opcode opcode_ = opcode::continuation;
  event::kind kind_ = event::kind::text;
  mask_key key_{};
  std::uint64_t length_ = 0, taken_ = 0;
  std::string message_, control_;
  utf8_validator utf8_;
};

/// The close code that tells the peer of a decoder's error.
std::uint16_t close_code_of(const error&) noexcept;

/// Sec-WebSocket-Key of a new client handshake: 16 random bytes in base64.
std::string make_handshake_key();
/// True when `key` is base64 of 16 bytes.
bool valid_handshake_key(std::string_view key) noexcept;
/// Sec-WebSocket-Accept that answers `key`.
std::string handshake_accept(std::string_view key);
/// An unpredictable mask for a client's frame (RFC 6455 section 5.3).
mask_key random_mask();

}  // namespace ws
}  // namespace atrium::net
