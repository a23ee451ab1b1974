/// @file http1_body.hpp - body framing of HTTP/1.1: chunked decoder and its siblings. I/O-free. Layer: net, private.
#pragma once

#include "http1_parser.hpp"

namespace atrium::net::http1 {

/// Strict chunked decoder, a byte at a time between pieces of data. Extensions (`;name`, `;name=value`) are read and
/// ignored within a bound, trailers are checked and dropped.
class chunk_decoder {
 public:
  struct step {
    progress what = progress::more;
    std::size_t consumed = 0;  ///< bytes of the input that are done with
    std::string_view data;     ///< part of the input; may be empty
  };
  /// Takes from `bytes` until a piece of data, the end, a refusal or the end of `bytes`.
  step next(std::string_view bytes);
  bool finished() const noexcept { return state_ == state::finished; }
  const refusal& why() const noexcept { return refusal_; }

 private:
  enum class state : std::uint8_t {
    size,
    extension_name,
    extension_value,
    extension_quoted,
    extension_escape,
    extension_after,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    finished,
    refused
  };
  bool take(char c);
  bool size_char(char c);
  bool extension_char(char c);
  bool trailer_end();
  bool refuse(const char* why) noexcept;

  state state_ = state::size;
  unsigned digits_ = 0;
  std::uint64_t left_ = 0;
  std::size_t overhead_ = 0;  ///< bytes of extensions and trailers so far
  std::size_t name_length_ = 0;
  std::string trailer_;
  refusal refusal_;
};

/// The body behind a head, whatever delimits it.
class body_decoder {
 public:
  body_decoder() noexcept = default;
  explicit body_decoder(const head_facts& facts) noexcept : framing_(facts.framing), left_(facts.length) {}

  chunk_decoder::step next(std::string_view bytes);
  /// Tells that the connection has ended. False when the body is cut.
  bool end_of_stream() noexcept;
  bool finished() const noexcept;
  http1::framing framing() const noexcept { return framing_; }
  /// Bytes still to come when that is known.
  std::optional<std::uint64_t> left() const noexcept;
  /// Counts bytes of a length-delimited or close-delimited body that were read past the decoder.
  void skip(std::uint64_t bytes) noexcept;
  const refusal& why() const noexcept { return chunks_.why(); }

 private:
  http1::framing framing_ = http1::framing::none;
  std::uint64_t left_ = 0;
  bool ended_ = false;
  chunk_decoder chunks_;
};

}  // namespace atrium::net::http1
