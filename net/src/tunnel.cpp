#include "tunnel.hpp"

#include "atrium/rt/scope.hpp"
#include "atrium/rt/splice.hpp"
#include "atrium/rt/sync.hpp"
#include "read_buffer.hpp"

namespace atrium::net {

namespace {

constexpr rt::duration half_closed_limit = std::chrono::seconds(30);  // without a byte after one side has ended

struct shared {
  std::function<void(std::uint64_t, std::uint64_t)> on_bytes;
  std::uint64_t moved = 0;
  int ended = 0;
  rt::condition changed;
};

rt::task<void> write_piece(stream& to, std::span<const std::byte> bytes) {
  const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const auto written = to.try_write({&piece, 1});
  if (written < bytes.size()) co_await to.write_all(bytes.subspan(written));
}

/// Copies what is here; 0 at the end. Bulk: with a larger buffer.
rt::task<std::size_t> copy_once(stream& from, stream& to, bool bulk) {
  read_buffer buffer(bulk ? read_buffer::large : read_buffer::small);
  const auto into = buffer.borrow();
  auto n = from.try_read(into);
  if (n == 0) n = co_await from.read_some(into);
  if (n > 0) co_await write_piece(to, into.first(n));
  co_return n;
}

/// Moves what is here without copying it; nothing when that is not possible with these two.
rt::task<std::optional<std::size_t>> splice_once(stream& from, stream& to) {
  auto *in = from.plain_socket(), *out = to.plain_socket();
  if (!in || !out || !rt::splice_pipe::can_join(*in, *out)) co_return std::nullopt;
  rt::splice_pipe pipe;
  if (!pipe.good()) co_return std::nullopt;
  const auto n = co_await pipe.fill(*in);
  co_await pipe.drain(*out);
  co_return n;
}

rt::task<void> pump(tunnel_end& from, stream& to, bool upstream, shared& s) {
  const auto count = [&](std::size_t n) {
    s.moved += n;
    if (s.on_bytes) upstream ? s.on_bytes(n, 0) : s.on_bytes(0, n);
  };
  if (!from.buffered.empty()) {
    co_await write_piece(to, rt::as_bytes(from.buffered));
    count(from.buffered.size());
    from.buffered = {};
  }
  bool bulk = false;
  for (;;) {
    co_await from.stream->wait_readable();  // an idle tunnel holds no buffer
    std::optional<std::size_t> n;
    if (bulk) n = co_await splice_once(*from.stream, to);
    if (!n) n = co_await copy_once(*from.stream, to, bulk);
    if (*n == 0) break;
    count(*n);
    bulk = *n >= read_buffer::small;
  }
  co_await to.shutdown_send();
  ++s.ended;
  s.changed.notify_all();
}

/// Waits for both directions; cuts what stands still once one has ended.
rt::task<void> watch(shared& s) {
  while (s.ended == 0) co_await s.changed.wait();
  while (s.ended < 2) {
    const auto before = s.moved;
    if (!co_await s.changed.wait_for(half_closed_limit) && s.moved == before)
      fail(disposition::timed_out, "One side of the connection has ended, and the other one stands still.");
  }
}

}  // namespace

rt::task<void> run_tunnel(tunnel_end a, tunnel_end b, std::function<void(std::uint64_t, std::uint64_t)> on_bytes) {
  shared s{.on_bytes = std::move(on_bytes)};
  co_await rt::all(pump(a, *b.stream, true, s), pump(b, *a.stream, false, s), watch(s));
}

}  // namespace atrium::net
