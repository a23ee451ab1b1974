#include <algorithm>

#include "websocket_session.hpp"

namespace atrium::net::ws {

namespace {

constexpr std::size_t write_piece = 256 * 1024;   // progress is noted after each
constexpr std::size_t queued_control_limit = 64;  // pongs beyond it replace each other
constexpr std::size_t joined_bytes = 16 * 1024;   // answers up to it may wait for the next ones

/// Queues lend their memory to each other: an idle session holds none.
template <class T>
class spare_vectors {
 public:
  void take(std::vector<T>& into) noexcept {
    if (into.capacity() > 0 || kept_.empty()) return;
    into = std::move(kept_.back());
    kept_.pop_back();
  }
  void give(std::vector<T>& from) {
    from.clear();
    if (kept_.size() < 64 && from.capacity() <= 256) kept_.push_back(std::move(from));
    from = {};
  }

 private:
  std::vector<std::vector<T>> kept_;
};

iovec part(std::span<const std::byte> bytes) noexcept { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

template <class T>
spare_vectors<T>& spares() {
  thread_local spare_vectors<T> kept;
  return kept;
}

}  // namespace

session_core::session_core(stream_ptr s, websocket_role ours, websocket_options options, std::string buffered,
                           std::string name)
    : protocol(std::move(name)),
      stream_(std::move(s)),
      ours_(ours),
      options_(std::move(options)),
      loop_(rt::loop::current()),
      decoder_(ours == websocket_role::server ? websocket_role::client : websocket_role::server,
               options_.message_bytes),
      early_(std::move(buffered)),
      unread_(rt::as_bytes(early_)),
      heard_(loop_.now()),
      reading_since_(heard_),
      progress_(heard_) {
  arm_keepalive();
}

session_core::~session_core() = default;

void session_core::cut() noexcept {
  cut_ = true;
  stream_->abort();
  written_changed_.notify_all();
  ended_.set();
}

void session_core::abandon() noexcept {
  loop_.timers().cancel(timer_);
  write_queued();
  cut();
  writers_.cancel(rt::cancel_reason::disconnected);
}

void session_core::throw_disconnected() const {
  fail(disposition::disconnected, dead_ ? "The WebSocket connection was cut because the other side stopped answering."
                                        : "The WebSocket connection is closed.");
}

std::uint64_t session_core::enqueue(opcode op, std::string payload) {
  std::optional<mask_key> mask;
  if (ours_ == websocket_role::client) {
    mask = random_mask();
    apply_mask({reinterpret_cast<std::byte*>(payload.data()), payload.size()}, *mask);
  }
  spares<outgoing>().take(queue_);
  queue_.push_back({make_head(op, payload.size(), mask), std::move(payload)});
  queued_bytes_ += queue_.back().bytes();
  schedule_flush();
  return ++enqueued_;
}

/// Runs once from the ready queue, without being a task: it never waits.
struct session_core::deferred {
  struct promise_type : rt::detail::ready_item {
    deferred get_return_object() noexcept {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      return {this};
    }
    static void* operator new(std::size_t size) { return rt::detail::allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { rt::detail::free_frame(frame, size); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  rt::detail::ready_item* item;
};

session_core::deferred session_core::run_flush(std::shared_ptr<session_core> self) {
  self->flush_scheduled_ = false;
  self->flush();
  co_return;
}

void session_core::schedule_flush() {
  if (writing_ || flush_scheduled_ || cut_) return;
  flush_scheduled_ = true;
  loop_.schedule(*run_flush(shared_from_this()).item);
}

frame_head session_core::rest_of_head(const outgoing& f) noexcept {
  frame_head rest;
  if (f.sent < f.head.size) {
    rest.size = static_cast<std::uint8_t>(f.head.size - f.sent);
    std::copy_n(f.head.bytes.begin() + f.sent, rest.size, rest.bytes.begin());
  }
  return rest;
}

std::span<const std::byte> session_core::rest_of_payload(const outgoing& f) noexcept {
  return rt::as_bytes(f.payload).subspan(f.sent < f.head.size ? 0 : f.sent - f.head.size);
}

/// Parts of the frames from `from` on, at most a piece; the index behind them. `bytes` are those still to be written.
std::size_t session_core::collect(const std::vector<outgoing>& frames, std::size_t from, std::vector<iovec>& parts,
                                  std::size_t& bytes) {
  parts.clear();
  bytes = 0;
  auto to = from;
  for (; to < frames.size() && parts.size() < 128; ++to) {
    const auto& f = frames[to];
    if (to > from && bytes + f.bytes() - f.sent > write_piece) break;
    if (f.sent < f.head.size) parts.push_back(part(f.head.view().subspan(f.sent)));
    if (const auto payload = rest_of_payload(f); !payload.empty()) parts.push_back(part(payload));
    bytes += f.bytes() - f.sent;
  }
  return to;
}

/// Writes what the kernel takes now; a writer task takes the rest.
void session_core::flush() {
  write_queued();
  if (!queue_.empty()) start_writer();
}

void session_core::write_queued() {
  if (writing_ || cut_ || queue_.empty()) return;
  progress_ = loop_.now();
  thread_local std::vector<iovec> parts;
  std::size_t done = 0;
  while (done < queue_.size()) {
    std::size_t bytes = 0;
    const auto to = collect(queue_, done, parts, bytes);
    auto sent = stream_->try_write(parts);
    const bool all = sent == bytes;
    while (done < to && sent >= queue_[done].bytes() - queue_[done].sent) {
      sent -= queue_[done].bytes() - queue_[done].sent;
      queued_bytes_ -= queue_[done].bytes();
      ++done;
      ++written_;
    }
    if (done < to) queue_[done].sent += sent;
    if (!all) break;
  }
  if (done == queue_.size()) spares<outgoing>().give(queue_);
  else queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(done));
  if (ping_waits_ && written_ >= ping_ticket_ && !ping_written_) ping_written_ = progress_;
  if (done > 0) written_changed_.notify_all();
}

void session_core::start_writer() {
  if (writing_ || cut_) return;
  writing_ = true;
  progress_ = loop_.now();
  writers_.spawn(run_writer(shared_from_this()), "websocket.writer");
}

rt::task<void> session_core::run_writer(std::shared_ptr<session_core> self) {
  try {
    while (!self->queue_.empty() && !self->cut_) {
      auto batch = std::exchange(self->queue_, {});
      co_await self->write_batch(batch);
    }
  } catch (...) {
    // Whoever reads or sends next learns of it: there is nobody else to tell.
    self->cut();
  }
  self->writing_ = false;
  self->written_changed_.notify_all();
  // The last share goes in the loop's next turn: the scope in the core must have seen this child end by then.
  if (auto& loop = self->loop_; self.use_count() == 1) loop.post([last = std::move(self)] {});
}

rt::task<void> session_core::write_batch(std::vector<outgoing>& batch) {
  std::vector<iovec> parts;
  for (std::size_t from = 0; from < batch.size();) {
    std::size_t bytes = 0;
    const auto to = collect(batch, from, parts, bytes);
    if (bytes > write_piece) co_await write_pieces(rest_of_head(batch[from]), rest_of_payload(batch[from]));
    else co_await stream_->write_all(std::span(parts));
    progress_ = loop_.now();
    for (auto i = from; i < to; ++i) queued_bytes_ -= batch[i].bytes();
    written_ += to - from;
    if (ping_waits_ && written_ >= ping_ticket_ && !ping_written_) ping_written_ = progress_;
    written_changed_.notify_all();
    from = to;
  }
}

rt::task<void> session_core::write_now(opcode op, std::span<const std::byte> payload) {
  std::string masked;
  std::optional<mask_key> mask;
  if (ours_ == websocket_role::client) {
    mask = random_mask();
    masked.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
    apply_mask({reinterpret_cast<std::byte*>(masked.data()), masked.size()}, *mask);
    payload = rt::as_bytes(masked);
  }
  co_await write_pieces(make_head(op, payload.size(), mask), payload);
}

rt::task<void> session_core::write_pieces(frame_head head, std::span<const std::byte> payload) {
  auto piece = payload.first(std::min(payload.size(), write_piece));
  iovec parts[] = {part(head.view()), part(piece)};
  progress_ = loop_.now();
  co_await stream_->write_all(std::span(parts, piece.empty() ? 1 : 2));
  for (payload = payload.subspan(piece.size()); !payload.empty(); payload = payload.subspan(piece.size())) {
    progress_ = loop_.now();
    piece = payload.first(std::min(payload.size(), write_piece));
    co_await stream_->write_all(piece);
  }
}

rt::task<void> session_core::wait_written(std::uint64_t ticket) {
  while (written_ < ticket && !cut_) co_await written_changed_.wait();
  if (written_ < ticket) throw_disconnected();
}

rt::task<void> session_core::send(bool binary, std::span<const std::byte> data) {
  auto self = shared_from_this();
  if (cut_ || close_sent_) throw_disconnected();
  const auto op = binary ? opcode::binary : opcode::text;
  const bool more_to_answer = reading_ready() && data.size() + queued_bytes_ <= joined_bytes;
  if (more_to_answer && !writing_) {
    enqueue(op, std::string(rt::as_text(data)));
    co_return;
  }
  flush();
  if (writing_) {
    co_await wait_written(enqueue(op, std::string(rt::as_text(data))));
    co_return;
  }
  writing_ = true;
  std::exception_ptr failed;
  try {
    co_await write_now(op, data);
  } catch (...) {
    failed = std::current_exception();
  }
  writing_ = false;
  if (failed) {
    cut();
    std::rethrow_exception(failed);
  }
  written_changed_.notify_all();
  if (!queue_.empty()) start_writer();
}

bool session_core::try_send(bool binary, std::string message) {
  if (cut_ || close_sent_ || queued_bytes_ + message.size() > options_.send_queue_bytes) return false;
  enqueue(binary ? opcode::binary : opcode::text, std::move(message));
  return true;
}

void session_core::answer_ping(std::string payload) {
  if (cut_ || close_sent_) return;
  // A peer that pings without taking our answers may not fill memory; only its latest pings matter (section 5.5.3).
  const auto waiting = std::count_if(queue_.begin(), queue_.end(), [](const outgoing& o) {
    return o.head.bytes[0] == std::byte{0x80 | static_cast<unsigned>(opcode::pong)};
  });
  if (static_cast<std::size_t>(waiting) < queued_control_limit) enqueue(opcode::pong, std::move(payload));
}

rt::task<void> session_core::send_close(std::uint16_t code, std::string_view reason, rt::duration limit) {
  if (!close_sent_ && !cut_) {
    close_sent_ = true;
    close_ticket_ = enqueue(opcode::close, close_payload(code, reason));
  }
  try {
    co_await rt::with_timeout(limit, wait_written(close_ticket_));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    cut();
  }
}

/// Ends our direction, so that the close frame arrives before the end of the connection.
rt::task<void> session_core::end_stream() {
  while ((writing_ || (end_begun_ && !end_done_)) && !cut_) co_await written_changed_.wait();
  if (cut_ || end_done_) co_return;
  end_begun_ = true;
  try {
    co_await rt::with_timeout(std::chrono::seconds(2), stream_->shutdown_send());
  } catch (const failure& f) {
    cut();
    if (f.disposition() == disposition::cancelled) throw;
  }
  end_done_ = true;
  written_changed_.notify_all();
}

void session_core::keepalive_timer::fired(rt::timer_entry& entry) noexcept {
  static_cast<keepalive_timer&>(entry).core.keep_alive();
}

void session_core::arm_keepalive() noexcept {
  if (options_.ping_interval <= rt::duration::zero()) return;
  loop_.timers().arm(timer_, loop_.now() + std::min(options_.ping_interval, options_.dead_after));
}

void session_core::keep_alive() noexcept {
  if (cut_) return;
  const auto now = loop_.now();
  // Silence counts only while somebody listens: a handler that is busy does not make its peer look dead.
  // Nor does a ping count that still stands behind a large message on a slow link: `stuck` watches that message.
  auto silent_since = std::max(heard_, reading_since_);
  if (ping_waits_) silent_since = ping_written_ ? std::max(silent_since, *ping_written_ - options_.ping_interval) : now;
  const bool silent = reading_ && now - silent_since >= options_.dead_after;
  const bool stuck = writing_ && now - progress_ >= options_.dead_after;
  if (silent || stuck) {
    dead_ = true;
    return cut();
  }
  if (now - heard_ >= options_.ping_interval && !ping_waits_ && !close_sent_) {
    ping_waits_ = true;
    ping_written_.reset();
    ping_ticket_ = enqueue(opcode::ping, {});
  }
  arm_keepalive();
}

}  // namespace atrium::net::ws
