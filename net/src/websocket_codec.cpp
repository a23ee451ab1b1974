#include "atrium/net/websocket_codec.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace atrium::net::ws {

namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

error protocol_error(unsigned code, const char* text) {
  const auto what = code == 1009 ? disposition::overloaded : disposition::invalid;
  return error(what, text).with_code("websocket." + std::to_string(code));
}

}  // namespace

void apply_mask(std::span<std::byte> bytes, mask_key key, std::uint64_t position) noexcept {
  mask_key turned;
  for (unsigned i = 0; i < 4; ++i) turned[i] = key[(position + i) & 3];
  std::uint32_t word;
  std::memcpy(&word, turned.data(), 4);
  const std::uint64_t wide = std::uint64_t{word} << 32 | word;
  auto* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t chunk;
    std::memcpy(&chunk, at, 8);
    chunk ^= wide;
    std::memcpy(at, &chunk, 8);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= std::byte{turned[i & 3]};
}

bool utf8_validator::begin(std::uint8_t byte) noexcept {
  low_ = 0x80, high_ = 0xBF;
  if (byte < 0x80) return true;
  if (byte >= 0xC2 && byte <= 0xDF) {
    left_ = 1;
  } else if (byte >= 0xE0 && byte <= 0xEF) {
    left_ = 2;
    if (byte == 0xE0) low_ = 0xA0;
    if (byte == 0xED) high_ = 0x9F;
  } else if (byte >= 0xF0 && byte <= 0xF4) {
    left_ = 3;
    if (byte == 0xF0) low_ = 0x90;
    if (byte == 0xF4) high_ = 0x8F;
  } else {
    return false;
  }
  return true;
}

bool utf8_validator::feed(std::span<const std::byte> piece) noexcept {
  const auto* at = reinterpret_cast<const std::uint8_t*>(piece.data());
  const auto* const end = at + piece.size();
  while (valid_ && at < end) {
    if (left_ > 0) {
      valid_ = *at >= low_ && *at <= high_;
      low_ = 0x80, high_ = 0xBF;
      --left_, ++at;
      continue;
    }
    while (end - at >= 8) {
      std::uint64_t chunk;
      std::memcpy(&chunk, at, 8);
      if (chunk & high_bits) break;
      at += 8;
    }
    if (at < end) valid_ = begin(*at++);
  }
  return valid_;
}

bool valid_utf8(std::string_view text) noexcept {
  utf8_validator v;
  v.feed({reinterpret_cast<const std::byte*>(text.data()), text.size()});
  return v.complete();
}

bool valid_close_code(unsigned code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

frame_head make_head(opcode op, std::uint64_t length, std::optional<mask_key> mask, bool fin) noexcept {
  frame_head h;
  auto put = [&h](unsigned byte) { h.bytes[h.size++] = static_cast<std::byte>(byte); };
  const unsigned masked = mask ? 0x80 : 0;
  put((fin ? 0x80 : 0) | static_cast<unsigned>(op));
  if (length < 126) {
    put(masked | static_cast<unsigned>(length));
  } else {
    const int bytes = length <= 0xFFFF ? 2 : 8;
    put(masked | (bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) put(static_cast<unsigned>(length >> (8 * i) & 0xFF));
  }
  if (mask)
    for (auto byte : *mask) put(byte);
  return h;
}

std::string make_frame(opcode op, std::span<const std::byte> payload, std::optional<mask_key> mask, bool fin) {
  const auto head = make_head(op, payload.size(), mask, fin);
  std::string out;
  out.reserve(head.size + payload.size());
  out.append(reinterpret_cast<const char*>(head.bytes.data()), head.size);
  out.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (mask) apply_mask({reinterpret_cast<std::byte*>(out.data()) + head.size, payload.size()}, *mask);
  return out;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  if (code == 0) return {};
  std::size_t keep = std::min<std::size_t>(reason.size(), 123);
  if (keep < reason.size())
    while (keep > 0 && (static_cast<unsigned char>(reason[keep]) & 0xC0) == 0x80) --keep;
  std::string out{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return out.append(reason.substr(0, keep));
}

result<std::optional<event>> decoder::feed(std::span<const std::byte>& in) {
  if (closed_) in = {};
  while (!in.empty() || (in_payload_ && taken_ == length_)) {
    if (!in_payload_) {
      const auto piece = in.first(std::min<std::size_t>(in.size(), need_ - have_));
      std::memcpy(head_.data() + have_, piece.data(), piece.size());
      have_ += static_cast<std::uint8_t>(piece.size());
      in = in.subspan(piece.size());
      if (have_ < need_) break;
      if (auto wrong = take_head()) return *wrong;
      continue;
    }
    const auto piece = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), length_ - taken_)));
    if (auto wrong = take_payload(piece)) return *wrong;
    in = in.subspan(piece.size());
    if (taken_ < length_) break;
    auto done = end_frame();
    if (!done || *done) return done;
  }
  return std::optional<event>();
}

std::optional<error> decoder::take_head() {
  const unsigned length7 = head_[1] & 0x7F;
  const unsigned extended = length7 == 126 ? 2 : length7 == 127 ? 8 : 0;
  if (have_ == 2) {
    if (head_[0] & 0x70) return protocol_error(1002, "The WebSocket peer set reserved bits.");
    const unsigned op = head_[0] & 0x0F;
    if ((op > 2 && op < 8) || op > 10) return protocol_error(1002, "The WebSocket peer used an unknown opcode.");
    opcode_ = static_cast<opcode>(op);
    fin_ = head_[0] & 0x80;
    const bool masked = head_[1] & 0x80;
    if (masked != (peer_ == websocket_role::client))
      return protocol_error(
          1002, masked ? "A WebSocket server must not mask its frames." : "A WebSocket client must mask its frames.");
    if (control()) {
      if (!fin_) return protocol_error(1002, "A WebSocket control frame must not be fragmented.");
      if (length7 > 125) return protocol_error(1002, "A WebSocket control frame holds at most 125 bytes.");
    } else if (in_message_ != (opcode_ == opcode::continuation)) {
      return protocol_error(1002, in_message_ ? "The WebSocket peer began a message inside another."
                                              : "The WebSocket peer continued a message that it had not begun.");
    }
    need_ = static_cast<std::uint8_t>(2 + extended + (masked ? 4 : 0));
    if (need_ > have_) return std::nullopt;
  }
  length_ = extended ? 0 : length7;
  for (unsigned i = 0; i < extended; ++i) length_ = length_ << 8 | head_[2 + i];
  if ((extended == 2 && length_ < 126) || (extended == 8 && (length_ <= 0xFFFF || length_ >> 63)))
    return protocol_error(1002, "The WebSocket peer wrote a length in a form that is not allowed.");
  if (peer_ == websocket_role::client) std::memcpy(key_.data(), head_.data() + need_ - 4, 4);
  if (!control()) {
    if (length_ > limit_ - message_.size())
      return protocol_error(1009, "The WebSocket message is larger than this server takes.");
    if (!in_message_) {
      in_message_ = true;
      kind_ = opcode_ == opcode::text ? event::kind::text : event::kind::binary;
    }
  }
  in_payload_ = true;
  taken_ = 0;
  return std::nullopt;
}

std::optional<error> decoder::take_payload(std::span<const std::byte> piece) {
  auto& into = control() ? control_ : message_;
  const auto before = into.size();
  into.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  const std::span<std::byte> fresh(reinterpret_cast<std::byte*>(into.data()) + before, piece.size());
  if (peer_ == websocket_role::client) apply_mask(fresh, key_, taken_);
  taken_ += piece.size();
  if (!control() && kind_ == event::kind::text && !utf8_.feed(fresh))
    return protocol_error(1007, "The WebSocket text message is not valid UTF-8.");
  return std::nullopt;
}

result<std::optional<event>> decoder::end_frame() {
  in_payload_ = false;
  have_ = 0, need_ = 2;
  if (opcode_ == opcode::close) return end_close();
  if (control()) {
    event e{opcode_ == opcode::ping ? event::kind::ping : event::kind::pong, std::exchange(control_, {}), 0};
    return std::optional(std::move(e));
  }
  if (!fin_) return std::optional<event>();
  if (kind_ == event::kind::text && !utf8_.complete())
    return protocol_error(1007, "The WebSocket text message ends inside a character.");
  utf8_.reset();
  in_message_ = false;
  return std::optional(event{kind_, std::exchange(message_, {}), 0});
}

result<std::optional<event>> decoder::end_close() {
  closed_ = true;
  if (control_.empty()) return std::optional(event{event::kind::close, {}, 1005});
  if (control_.size() == 1) return protocol_error(1002, "The WebSocket close frame holds half a code.");
  const unsigned code = static_cast<unsigned char>(control_[0]) << 8 | static_cast<unsigned char>(control_[1]);
  if (!valid_close_code(code)) return protocol_error(1002, "The WebSocket close code is not one that may be sent.");
  auto reason = std::exchange(control_, {}).substr(2);
  if (!valid_utf8(reason)) return protocol_error(1007, "The WebSocket close reason is not valid UTF-8.");
  return std::optional(event{event::kind::close, std::move(reason), static_cast<std::uint16_t>(code)});
}

std::uint16_t close_code_of(const error& e) noexcept {
  if (e.code() == "websocket.1007") return 1007;
  if (e.code() == "websocket.1009") return 1009;
  return 1002;
}

}  // namespace atrium::net::ws
