/// @file http1_writer.hpp - serialises HTTP/1.1 heads and chunk frames. I/O-free. Layer: net, private.
#pragma once

#include <array>

#include "atrium/net/http.hpp"

namespace atrium::net::http1 {

/// Appends the head with its empty line. Nothing is added to the fields.
/// @errors invalid when a method, target, name or value could break the framing (our own bug or injected text)
result<void> write_request_head(std::string& out, const request&);
result<void> write_response_head(std::string& out, unsigned status, const headers&);

/// "<hex size>CR LF" of a chunk, without allocating.
struct chunk_frame {
  explicit chunk_frame(std::uint64_t size) noexcept;
  std::string_view text() const noexcept { return {buffer_.data(), size_}; }

 private:
  std::array<char, 20> buffer_;
  std::size_t size_ = 0;
};
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// IMF-fixdate (RFC 9110 section 5.6.7), computed once a second and thread. The view is good until the next call.
std::string_view http_date(std::int64_t unix_seconds);
std::string_view http_date_now();

}  // namespace atrium::net::http1
