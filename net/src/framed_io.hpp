/// @file framed_io.hpp - message bodies over a stream: what server and client share. Layer: net, private.
#pragma once

#include <optional>

#include "atrium/net/server.hpp"
#include "http1_body.hpp"
#include "input_buffer.hpp"

namespace atrium::net {

/// Whose body it is: decides the words and codes of its errors.
enum class message_kind : std::uint8_t { request, response };

/// The error of a refused message, code "http.<status>" for requests.
error refusal_error(const http1::refusal&, message_kind);

/// Reads a body from `input` and `from`, which must outlive it.
class framed_body : public body_reader {
 public:
  framed_body(message_kind kind, stream& from, input_buffer& input, const http1::head_facts& facts,
              rt::duration timeout);

  rt::task<std::size_t> read_some(std::span<std::byte> into) override;
  std::optional<std::uint64_t> length() const noexcept override;
  bool finished() const noexcept override { return decoder_.finished(); }

  void limit(std::uint64_t bytes) noexcept { limit_ = bytes; }
  /// Bytes still to come when that is known.
  std::optional<std::uint64_t> left() const noexcept { return decoder_.left(); }
  /// The whole rest, when its length is known, at most `limit`, and all of it has been read from the stream already.
  /// Good until the next call; take_here() then counts it as read.
  std::optional<std::string_view> here(std::size_t limit) const noexcept;
  void take_here();
  bool broken() const noexcept { return broken_; }

 protected:
  /// Called before the first read that needs the stream.
  virtual rt::task<void> before_first_read() { co_return; }
  /// Called once, when the end was read.
  virtual void at_end() noexcept {}

 private:
  rt::task<std::size_t> read_direct(std::span<std::byte> into);
  rt::task<std::size_t> read_decoded(std::span<std::byte> into);
  rt::task<void> fill();
  void count(std::uint64_t bytes);
  [[noreturn]] void cut_off();

  message_kind kind_;
  stream& from_;
  input_buffer& input_;
  http1::body_decoder decoder_;
  std::optional<std::uint64_t> length_;
  rt::duration timeout_;
  std::uint64_t limit_ = UINT64_MAX, read_ = 0;
  bool asked_ = false, broken_ = false, ended_ = false;
};

/// Writes all, `timeout` for each piece of at most 64 KiB: slow is fine, stalled is not.
rt::task<void> write_with_progress(stream& to, std::span<const std::byte> bytes, rt::duration timeout);

/// A message whose head and body are known as a whole, on its way: what goes at once, then the rest.
class outgoing {
 public:
  /// Both must live until it is written.
  outgoing(std::string_view head, std::string_view body) noexcept : head_(head), body_(body) {}
  /// True when all of it is written. Never waits; errors are left to finish().
  bool try_write(stream& to) noexcept;
  /// What is left, as write_with_progress(). A small body goes in one piece with its head.
  rt::task<void> finish(stream& to, rt::duration timeout);

 private:
  std::string_view head_, body_;
};

/// Writes body pieces in chunked or length framing. Reference members must outlive it.
class framed_writer {
 public:
  /// `length` unset: chunked. `raw`: neither (ends with the connection).
  framed_writer(stream& to, std::optional<std::uint64_t> length, bool raw, rt::duration timeout) noexcept
      : to_(to), left_(length), raw_(raw), timeout_(timeout) {}
  /// @errors invalid when it gets longer than announced
  rt::task<void> write(std::span<const std::byte>);
  /// @errors invalid when it is shorter than announced
  rt::task<void> finish();

 private:
  stream& to_;
  std::optional<std::uint64_t> left_;
  bool raw_;
  rt::duration timeout_;
};

}  // namespace atrium::net
