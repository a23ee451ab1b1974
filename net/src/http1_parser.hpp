/// @file http1_parser.hpp - strict incremental parser of HTTP/1.1 heads (RFC 9112). I/O-free. Layer: net, private.
/// What two parsers could read in two ways is refused; docs/adr/0001-http-parser.md says why it is our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "atrium/net/http.hpp"

namespace atrium::net::http1 {

struct head_limits {
  std::size_t head_bytes = 32 * 1024;
  std::size_t header_count = 100;
  std::size_t target_bytes = 8 * 1024;
};

/// Why a message is refused. `why` is a constant sentence for people.
struct refusal {
  unsigned status = 400;
  const char* why = "";
};

/// How the body behind a head is delimited.
enum class framing : std::uint8_t { none, length, chunked, until_close };

/// What the fields of a head say about the connection and the body.
struct head_facts {
  http1::framing framing = http1::framing::none;
  std::uint64_t length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

enum class progress : std::uint8_t { more, done, refused };

/// Common part of the two parsers. advance() is given all bytes from the start of the message, each time more of them,
/// and looks at each byte a bounded number of times; the outcome does not depend on how the bytes were split.
class head_parser {
 public:
  explicit head_parser(const head_limits& limits) noexcept : limits_(limits) {}
  virtual ~head_parser() = default;

  progress advance(std::string_view bytes);
  /// Length of the head, its empty line included. After done.
  std::size_t consumed() const noexcept { return line_start_; }
  const head_facts& facts() const noexcept { return facts_; }
  /// After refused.
  const refusal& why() const noexcept { return refusal_; }

 protected:
  virtual bool start_line(std::string_view line) = 0;
  virtual bool finish() = 0;
  virtual net::headers& fields() noexcept = 0;
  bool refuse(unsigned status, const char* why) noexcept;
  /// Reads Content-Length and Transfer-Encoding. `has_body` says what no length at all means.
  bool read_framing(bool http10, http1::framing without_length);
  bool read_connection(bool http10);

  head_facts facts_;
  head_limits limits_;

 private:
  bool line(std::string_view line);
  bool too_long(std::size_t line_length) noexcept;
  bool field(std::string_view line);

  refusal refusal_;
  std::size_t line_start_ = 0, scanned_ = 0, count_ = 0;
  bool started_ = false, skipped_empty_ = false, ended_ = false;
};

class request_parser final : public head_parser {
 public:
  using head_parser::head_parser;
  net::request head;

 private:
  bool start_line(std::string_view line) override;
  bool finish() override;
  net::headers& fields() noexcept override { return head.headers; }
  bool target(std::string_view target);
  bool absolute_target(std::string_view target);
  bool host();
  std::optional<std::string> absolute_host_;
};

class response_parser final : public head_parser {
 public:
  /// `to_head`: the request was HEAD, so there is no body whatever the fields say.
  response_parser(const head_limits& limits, bool to_head) noexcept : head_parser(limits), to_head_(to_head) {}
  unsigned status = 0;
  net::headers headers;

 private:
  bool start_line(std::string_view line) override;
  bool finish() override;
  net::headers& fields() noexcept override { return headers; }
  bool to_head_, http10_ = false;
};

/// A digits-only number without sign, space or leading zeros that fits; nullopt otherwise.
std::optional<std::uint64_t> parse_length(std::string_view) noexcept;
/// host[:port] as in a Host field: a name, IPv4, or bracketed IPv6; no user information.
bool valid_authority(std::string_view) noexcept;
/// Splits a field line into name and trimmed value; nullopt when it is not one.
std::optional<std::pair<std::string_view, std::string_view>> split_field(std::string_view line) noexcept;

}  // namespace atrium::net::http1
