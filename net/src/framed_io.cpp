#include "framed_io.hpp"

#include <algorithm>

#include "http1_writer.hpp"

namespace atrium::net {

error refusal_error(const http1::refusal& r, message_kind kind) {
  if (kind == message_kind::request) {
    const auto what = r.status == 501 ? disposition::unimplemented : disposition::invalid;
    return error(what, r.why).with_code("http." + std::to_string(r.status));
  }
  return error(disposition::disconnected, "The server behind this address gave an answer that is not valid HTTP.")
      .with_peer_text(r.why);
}

namespace {
[[noreturn]] void too_large(std::uint64_t limit) {
  throw failure(
      error(disposition::overloaded, "The body is larger than the " + std::to_string(limit) + " bytes allowed here.")
          .with_code("http.413"));
}
}  // namespace

rt::task<std::string> body_reader::text(std::size_t limit) {
  std::string out;
  if (const auto known = length()) {
    if (*known > limit) too_large(limit);
    out.reserve(static_cast<std::size_t>(*known));
  }
  std::size_t size = 0;
  while (true) {
    // One byte more than allowed is room to notice that there is more.
    out.resize(std::min(std::max<std::size_t>(size + 4096, out.capacity()), limit + 1));
    const auto n = co_await read_some(std::as_writable_bytes(std::span(out).subspan(size)));
    if (n == 0) break;
    size += n;
    if (size > limit) too_large(limit);
  }
  out.resize(size);
  co_return out;
}

framed_body::framed_body(message_kind kind, stream& from, input_buffer& input, const http1::head_facts& facts,
                         rt::duration timeout)
    : kind_(kind), from_(from), input_(input), decoder_(facts), timeout_(timeout) {
  if (facts.framing == http1::framing::length) length_ = facts.length;
  if (facts.framing == http1::framing::none) length_ = 0;
}

std::optional<std::uint64_t> framed_body::length() const noexcept { return length_; }

void framed_body::count(std::uint64_t bytes) {
  read_ += bytes;
  if (read_ <= limit_) return;
  broken_ = true;
  too_large(limit_);
}

void framed_body::cut_off() {
  broken_ = true;
  fail(disposition::disconnected, kind_ == message_kind::request ? "The request was cut off before its end."
                                                                 : "The answer was cut off before its end.");
}

rt::task<std::size_t> framed_body::read_some(std::span<std::byte> into) {
  if (broken_) cut_off();
  if (into.empty()) co_return 0;
  if (decoder_.finished()) {
    if (!std::exchange(ended_, true)) at_end();
    co_return 0;
  }
  if (length_ && *length_ > limit_) count(*length_);
  if (!std::exchange(asked_, true) && input_.empty()) co_await before_first_read();
  const bool direct = decoder_.framing() != http1::framing::chunked && input_.empty();
  broken_ = true;  // unless this read ends well
  const auto n = co_await (direct ? read_direct(into) : read_decoded(into));
  broken_ = false;
  count(n);
  if (decoder_.finished() && !std::exchange(ended_, true)) at_end();
  co_return n;
}

/// Straight into the caller's memory: bytes of a length-delimited body need no look.
rt::task<std::size_t> framed_body::read_direct(std::span<std::byte> into) {
  const auto most = std::min<std::uint64_t>(into.size(), decoder_.left().value_or(into.size()));
  std::size_t n = 0;
  try {
    n = co_await rt::with_timeout(timeout_, from_.read_some(into.first(static_cast<std::size_t>(most))));
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out || kind_ != message_kind::request) throw;
    throw failure(error(disposition::timed_out, "The request's body did not arrive in time.").with_code("http.408"));
  }
  if (n == 0 && !decoder_.end_of_stream()) cut_off();
  decoder_.skip(n);
  co_return n;
}

rt::task<std::size_t> framed_body::read_decoded(std::span<std::byte> into) {
  while (true) {
    const auto s = decoder_.next(input_.view().substr(0, into.size()));
    if (!s.data.empty()) std::memcpy(into.data(), s.data.data(), s.data.size());
    const auto n = s.data.size();
    input_.consume(s.consumed);
    if (s.what == http1::progress::refused) throw failure(refusal_error(decoder_.why(), kind_));
    if (n > 0 || s.what == http1::progress::done) co_return n;
    if (input_.empty()) co_await fill();
    if (decoder_.finished()) co_return 0;
  }
}

rt::task<void> framed_body::fill() {
  std::size_t n = 0;
  try {
    n = co_await rt::with_timeout(timeout_, input_.fill(from_, 4096));
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out || kind_ != message_kind::request) throw;
    throw failure(error(disposition::timed_out, "The request's body did not arrive in time.").with_code("http.408"));
  }
  if (n == 0 && !decoder_.end_of_stream()) cut_off();
}

rt::task<void> write_with_progress(stream& to, std::span<const std::byte> bytes, rt::duration timeout) {
  constexpr std::size_t piece = 64 * 1024;
  do {
    const auto now = bytes.first(std::min(piece, bytes.size()));
    co_await rt::with_timeout(timeout, to.write_all(now));
    bytes = bytes.subspan(now.size());
  } while (!bytes.empty());
}

std::optional<std::string_view> framed_body::here(std::size_t limit) const noexcept {
  const auto rest = decoder_.left();
  if (broken_ || !length_ || !rest || *rest > limit || *rest > input_.view().size()) return std::nullopt;
  return input_.view().substr(0, static_cast<std::size_t>(*rest));
}

void framed_body::take_here() {
  const auto n = static_cast<std::size_t>(decoder_.left().value_or(0));
  input_.consume(n);
  decoder_.skip(n);
  count(n);
  if (decoder_.finished() && !std::exchange(ended_, true)) at_end();
}

namespace {
iovec part(std::span<const std::byte> bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }
}  // namespace

bool outgoing::try_write(stream& to) noexcept {
  const iovec parts[] = {part(rt::as_bytes(head_)), part(rt::as_bytes(body_))};
  auto written = to.try_write(std::span(parts).first(body_.empty() ? 1 : 2));
  for (auto* left : {&head_, &body_}) {
    const auto n = std::min(written, left->size());
    left->remove_prefix(n);
    written -= n;
  }
  return head_.empty() && body_.empty();
}

rt::task<void> outgoing::finish(stream& to, rt::duration timeout) {
  if (body_.size() <= 16 * 1024) {
    iovec parts[] = {part(rt::as_bytes(head_)), part(rt::as_bytes(body_))};
    co_await rt::with_timeout(timeout, to.write_all(std::span<iovec>(parts)));
  } else {
    if (!head_.empty()) co_await write_with_progress(to, rt::as_bytes(head_), timeout);
    co_await write_with_progress(to, rt::as_bytes(body_), timeout);
  }
}

rt::task<void> framed_writer::write(std::span<const std::byte> bytes) {
  if (left_) {
    if (bytes.size() > *left_) fail(disposition::invalid, "The body is longer than it was announced.");
    *left_ -= bytes.size();
  }
  if (left_ || raw_) {
    if (!bytes.empty()) co_await write_with_progress(to_, bytes, timeout_);
    co_return;
  }
  while (!bytes.empty()) {  // an empty chunk would end the body
    const auto now = bytes.first(std::min<std::size_t>(64 * 1024, bytes.size()));
    const http1::chunk_frame frame(now.size());
    iovec parts[] = {part(rt::as_bytes(frame.text())), part(now), part(rt::as_bytes("\r\n"))};
    co_await rt::with_timeout(timeout_, to_.write_all(std::span<iovec>(parts)));
    bytes = bytes.subspan(now.size());
  }
}

rt::task<void> framed_writer::finish() {
  if (left_ && *left_ > 0) fail(disposition::invalid, "The body is shorter than it was announced.");
  if (!left_ && !raw_) co_await rt::with_timeout(timeout_, to_.write_all(rt::as_bytes(http1::last_chunk)));
}

}  // namespace atrium::net
