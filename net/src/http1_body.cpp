#include "http1_body.hpp"

#include <algorithm>

#include "http1_chars.hpp"

namespace atrium::net::http1 {

namespace {
constexpr std::size_t overhead_limit = 16 * 1024;  // a message that is mostly extensions is an attack
constexpr unsigned size_digits = 15;               // 60 bits: sums with other lengths cannot overflow
}  // namespace

bool chunk_decoder::refuse(const char* why) noexcept {
  refusal_ = {400, why};
  state_ = state::refused;
  return false;
}

chunk_decoder::step chunk_decoder::next(std::string_view bytes) {
  step s;
  while (true) {
    if (state_ == state::finished) return s.what = progress::done, s;
    if (state_ == state::refused) return s.what = progress::refused, s;
    if (s.consumed == bytes.size()) return s;
    if (state_ == state::data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - s.consumed));
      s.data = bytes.substr(s.consumed, n);
      s.consumed += n;
      left_ -= n;
      if (left_ == 0) state_ = state::data_cr;
      return s;
    }
    if (take(bytes[s.consumed])) ++s.consumed;
  }
}

bool chunk_decoder::take(char c) {
  switch (state_) {
    case state::size:
      return size_char(c);
    case state::size_lf:
      if (c != '\n') return refuse("A chunk's size line does not end with CR LF.");
      state_ = left_ ? state::data : state::trailer;
      digits_ = 0;
      return true;
    case state::data_cr:
      if (c != '\r') return refuse("A chunk is longer than its size says.");
      state_ = state::data_lf;
      return true;
    case state::data_lf:
      if (c != '\n') return refuse("A chunk does not end with CR LF.");
      state_ = state::size;
      return true;
    case state::trailer:
      if (c == '\n') return refuse("A trailer line does not end with CR LF.");
      if (c == '\r') return state_ = state::trailer_lf, true;
      if (++overhead_ > overhead_limit) return refuse("The trailers are too large.");
      trailer_ += c;
      return true;
    case state::trailer_lf:
      return c == '\n' ? trailer_end() : refuse("A trailer line does not end with CR LF.");
    default:
      return extension_char(c);
  }
}

bool chunk_decoder::size_char(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++digits_ > size_digits) return refuse("A chunk's size is too large.");
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    return true;
  }
  if (digits_ == 0) return refuse("A chunk's size is not a plain hexadecimal number.");
  if (c == '\r') return state_ = state::size_lf, true;
  if (c != ';') return refuse("A chunk's size is not a plain hexadecimal number.");
  state_ = state::extension_name;
  name_length_ = 0;
  return true;
}

bool chunk_decoder::extension_char(char c) {
  constexpr const char* bad = "A chunk extension is malformed.";
  if (++overhead_ > overhead_limit) return refuse("The chunk extensions are too large.");
  const bool ends = c == '\r' || c == ';';
  switch (state_) {
    case state::extension_name:
    case state::extension_value: {
      if (is(c, token_char)) return ++name_length_, true;
      const bool name = state_ == state::extension_name;
      if (!name && c == '"' && name_length_ == 0) return state_ = state::extension_quoted, true;
      if (name_length_ == 0) return refuse(bad);
      if (name && c == '=') return state_ = state::extension_value, name_length_ = 0, true;
      if (!ends) return refuse(bad);
      break;
    }
    case state::extension_quoted:
      if (c == '"') return state_ = state::extension_after, true;
      if (c == '\\') return state_ = state::extension_escape, true;
      return is(c, value_char) ? true : refuse(bad);
    case state::extension_escape:
      if (!is(c, value_char)) return refuse(bad);
      return state_ = state::extension_quoted, true;
    case state::extension_after:
      if (!ends) return refuse(bad);
      break;
    default:
      return refuse(bad);
  }
  state_ = c == '\r' ? state::size_lf : state::extension_name;
  name_length_ = 0;
  return true;
}

bool chunk_decoder::trailer_end() {
  if (trailer_.empty()) return state_ = state::finished, true;
  const auto field = split_field(trailer_);
  if (!field) return refuse("A trailer field is malformed.");
  for (auto name : {"Content-Length", "Transfer-Encoding", "Host"})  // too late: some parsers would believe them
    if (equal_nocase(field->first, name)) return refuse("A trailer field says how the message is framed.");
  trailer_.clear();
  state_ = state::trailer;
  return true;
}

chunk_decoder::step body_decoder::next(std::string_view bytes) {
  if (framing_ == framing::chunked) return chunks_.next(bytes);
  chunk_decoder::step s;
  if (framing_ == framing::length || (framing_ == framing::until_close && !ended_)) {
    const auto limit = framing_ == framing::length ? left_ : bytes.size();
    s.consumed = static_cast<std::size_t>(std::min<std::uint64_t>(limit, bytes.size()));
    s.data = bytes.substr(0, s.consumed);
    if (framing_ == framing::length) left_ -= s.consumed;
  }
  // With data the end is told by the next call, as the chunked decoder does it.
  if (s.data.empty() && finished()) s.what = progress::done;
  return s;
}

bool body_decoder::finished() const noexcept {
  switch (framing_) {
    case framing::none:
      return true;
    case framing::length:
      return left_ == 0;
    case framing::chunked:
      return chunks_.finished();
    case framing::until_close:
      return ended_;
  }
  return true;
}

bool body_decoder::end_of_stream() noexcept {
  if (framing_ == framing::until_close) ended_ = true;
  return finished();
}

std::optional<std::uint64_t> body_decoder::left() const noexcept {
  if (framing_ == framing::none) return 0;
  if (framing_ == framing::length) return left_;
  return std::nullopt;
}

void body_decoder::skip(std::uint64_t bytes) noexcept {
  if (framing_ == framing::length) left_ -= std::min(left_, bytes);
}

}  // namespace atrium::net::http1
