#include <algorithm>

#include "websocket_session.hpp"

namespace atrium::net::ws {

namespace {

constexpr std::size_t write_piece = 256 * 1024;  // progress is noted after each
constexpr std::size_t joined_bytes = 16 * 1024;  // answers up to it may wait for the next ones
constexpr std::size_t copied_bytes = 4 * 1024;   // larger messages are written from where they stand

iovec part(std::span<const std::byte> bytes) noexcept { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

opcode data_opcode(bool binary) noexcept { return binary ? opcode::binary : opcode::text; }

}  // namespace

std::optional<mask_key> session_core::mask() const {
  if (ours_ == websocket_role::server) return std::nullopt;
  return random_mask();
}

std::uint64_t session_core::enqueue(opcode op, std::string payload) {
  return enqueued_ += output_.add(op, std::move(payload), mask());
}

void session_core::flush_call::run(rt::deferred_call& call) noexcept { static_cast<flush_call&>(call).core.flush(); }

void session_core::flush_soon() noexcept {
  if (!writing_ && !cut_) loop_.defer(flush_);
}

void session_core::flush() {
  if (writing_ || cut_) return;
  write_queued();
  if (!output_.empty()) start_writer();
}

/// As much as the stream takes without waiting.
void session_core::write_queued() noexcept {
  if (writing_ || cut_) return;
  while (!output_.empty()) {
    iovec parts[64];
    const auto count = output_.next(parts);
    std::size_t size = 0;
    for (const auto& p : std::span(parts, count)) size += p.iov_len;
    const auto done = stream_->try_write({parts, count});
    output_.consume(done);
    wrote(done);
    if (done < size) break;
  }
}

void session_core::wrote(std::size_t bytes) noexcept {
  if (bytes == 0) return;
  written_ += bytes;
  progress_ = loop_.now();
  if (ping_waits_ && written_ >= ping_position_ && !ping_written_) ping_written_ = progress_;
  written_changed_.notify_all();
}

void session_core::start_writer() {
  if (writing_ || cut_) return;
  writing_ = true;
  progress_ = loop_.now();
  writers_.spawn(run_writer(shared_from_this()), "websocket.writer");
}

rt::task<void> session_core::run_writer(std::shared_ptr<session_core> self) {
  try {
    while (!self->output_.empty() && !self->cut_) co_await self->write_batch(std::move(self->output_));
  } catch (...) {
    // Whoever reads or sends next learns of it: there is nobody else to tell.
    self->cut();
  }
  self->writing_ = false;
  self->written_changed_.notify_all();
  // The last share goes in the loop's next turn: the scope in the core must have seen this child end by then.
  if (auto& loop = self->loop_; self.use_count() == 1) loop.post([last = std::move(self)] {});
}

rt::task<void> session_core::write_batch(output batch) {
  iovec parts[64];
  while (!batch.empty()) {
    const auto ready = batch.next(parts);
    parts[0].iov_len = std::min(parts[0].iov_len, write_piece);
    auto bytes = parts[0].iov_len;
    std::size_t count = 1;
    for (; count < ready && bytes + parts[count].iov_len <= write_piece; ++count) bytes += parts[count].iov_len;
    co_await stream_->write_all(std::span(parts, count));
    batch.consume(bytes);
    wrote(bytes);
  }
}

rt::task<void> session_core::write_large(opcode op, std::span<const std::byte> payload) {
  const auto key = mask();
  std::string masked;
  if (key) {
    masked.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
    apply_mask({reinterpret_cast<std::byte*>(masked.data()), masked.size()}, *key);
    payload = rt::as_bytes(masked);
  }
  const auto head = make_head(op, payload.size(), key);
  auto piece = payload.first(std::min(payload.size(), write_piece));
  iovec parts[] = {part(head.view()), part(piece)};
  progress_ = loop_.now();
  co_await stream_->write_all(std::span(parts));
  for (payload = payload.subspan(piece.size()); !payload.empty(); payload = payload.subspan(piece.size())) {
    progress_ = loop_.now();
    piece = payload.first(std::min(payload.size(), write_piece));
    co_await stream_->write_all(piece);
  }
}

/// What was queued up to there.
rt::task<void> session_core::write_up_to(std::uint64_t position) {
  while (written_ < position && !cut_) co_await write_batch(std::move(output_));
  if (written_ < position) throw_disconnected();
}

/// Runs `body` as the one who writes.
rt::task<void> session_core::write_here(rt::task<void> body) {
  writing_ = true;
  progress_ = loop_.now();
  std::exception_ptr failed;
  try {
    co_await std::move(body);
  } catch (...) {
    failed = std::current_exception();
  }
  writing_ = false;
  if (failed) {
    cut();
    std::rethrow_exception(failed);
  }
  written_changed_.notify_all();
  flush();
}

rt::task<void> session_core::wait_written(std::uint64_t position) {
  while (written_ < position && !cut_) co_await written_changed_.wait();
  if (written_ < position) throw_disconnected();
}

rt::task<void> session_core::send(bool binary, std::span<const std::byte> data) {
  const auto self = shared_from_this();
  if (cut_ || close_sent_) throw_disconnected();
  const bool more_to_answer = reading_ready() && data.size() + (enqueued_ - written_) <= joined_bytes;
  if (!more_to_answer && data.size() > copied_bytes && output_.empty() && !writing_) {
    co_await write_here(write_large(data_opcode(binary), data));
    co_return;
  }
  const auto position = enqueued_ += output_.add(data_opcode(binary), data, mask());
  if (more_to_answer) {
    flush_soon();
    co_return;
  }
  write_queued();
  if (written_ >= position) co_return;
  if (writing_) co_await wait_written(position);
  else co_await write_here(write_up_to(position));
}

bool session_core::has_room(std::size_t bytes) const noexcept {
  return !cut_ && !close_sent_ && enqueued_ - written_ + bytes <= options_.send_queue_bytes;
}

bool session_core::try_send(bool binary, std::string message) {
  if (!has_room(message.size())) return false;
  enqueue(data_opcode(binary), std::move(message));
  flush_soon();
  return true;
}

bool session_core::try_send(const shared_message& m) {
  if (ours_ == websocket_role::client) return try_send(m.binary(), std::string(m.data()));  // each frame has its mask
  if (!has_room(m.frame()->size())) return false;
  enqueued_ += output_.add(m.frame());
  flush_soon();
  return true;
}

void session_core::answer_ping(std::string payload) {
  if (cut_ || close_sent_) return;
  // A peer that pings without taking our answers may not fill memory; only its latest pings matter (section 5.5.3).
  constexpr std::uint8_t most_pongs = 64;
  if (written_ >= pong_position_) pongs_ = 0;
  if (pongs_ == most_pongs) return;
  ++pongs_;
  pong_position_ = enqueue(opcode::pong, std::move(payload));
  flush_soon();
}

}  // namespace atrium::net::ws
