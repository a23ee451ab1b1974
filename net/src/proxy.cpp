#include "atrium/net/proxy.hpp"

#include "atrium/base/metrics.hpp"
#include "atrium/net/websocket_codec.hpp"
#include "framed_io.hpp"
#include "proxy_rules.hpp"
#include "read_buffer.hpp"
#include "resumed_answer.hpp"
#include "tunnel.hpp"

namespace atrium::net {

namespace {

constexpr std::size_t joined_body = 16 * 1024;

/// Counts bytes of a request body on their way.
class counting_body final : public body_reader {
 public:
  counting_body(body_reader& from, const proxy_target& target) noexcept : from_(from), target_(target) {}
  rt::task<std::size_t> read_some(std::span<std::byte> into) override {
    const auto n = co_await from_.read_some(into);
    if (n > 0 && target_.on_bytes) target_.on_bytes(n, 0);
    co_return n;
  }
  std::optional<std::uint64_t> length() const noexcept override { return from_.length(); }
  bool finished() const noexcept override { return from_.finished(); }

 private:
  body_reader& from_;
  const proxy_target& target_;
};

proxy_hop hop_of(const exchange& e) { return {e.peer_address(), e.secure()}; }

rt::task<void> relay_body(body_reader& from, body_writer& to, const proxy_target& target) {
  bool bulk = false;
  while (!from.finished()) {
    read_buffer buffer(bulk ? read_buffer::large : read_buffer::small);
    const auto into = buffer.borrow();
    const auto n = co_await from.read_some(into);
    if (n == 0) break;
    co_await to.write(into.first(n));  // what came is passed on at once: event streams must not wait for more
    if (target.on_bytes) target.on_bytes(0, n);
    bulk = n >= read_buffer::small;
  }
  co_await to.finish();
}

/// Makes the body of a download outlive the connection that it comes by.
void keep_going(client_response& answer, const exchange& e, http_client& client, const proxy_target& target) {
  if (target.resume_within == rt::duration::zero() || e.request().method != "GET") return;
  auto part = part_of(answer.status, answer.headers);
  if (!part || answer.body->length() != part->end - part->first) return;
  auto again = [&e, &target] { return upstream_request(e.request(), target, hop_of(e), false); };
  answer.body = std::make_unique<resumed_answer>(client, target.to, std::move(again), std::move(*part),
                                                 std::move(answer.body), target.resume_within);
}

rt::task<void> relay_answer(exchange& e, http_client& client, client_response answer, const proxy_target& target) {
  if (answer.status < 200 || !answer.body)
    fail(disposition::disconnected, "The server behind this address answered out of turn.");
  // A small body is most often here with its head: one write and one packet. Nothing is waited for.
  auto* body = dynamic_cast<framed_body*>(answer.body.get());
  const auto here = body && e.request().method != "HEAD" ? body->here(joined_body) : std::nullopt;
  if (!here && e.body().finished()) keep_going(answer, e, client, target);
  response head{
      .status = answer.status, .headers = client_headers(answer.status, std::move(answer.headers), target), .body = {}};
  if (here) {
    const auto size = here->size();
    co_await e.respond(std::move(head), *here);
    body->take_here();
    if (target.on_bytes && size > 0) target.on_bytes(0, size);
    co_return;
  }
  auto writer = co_await e.start(std::move(head));
  co_await relay_body(*answer.body, *writer, target);
}

rt::task<void> forward_request(exchange& e, http_client& client, const proxy_target& target) {
  auto head = upstream_request(e.request(), target, hop_of(e), false);
  if (e.body().finished()) {
    co_await relay_answer(e, client, co_await client.send(target.to, std::move(head)), target);
  } else {
    counting_body body(e.body(), target);
    auto answer = co_await client.send(target.to, std::move(head), body.length(), body);
    co_await relay_answer(e, client, std::move(answer), target);
  }
}

rt::task<void> forward_upgrade(exchange& e, http_client& client, const proxy_target& target) {
  const auto& r = e.request();
  const std::string key(r.headers.find("Sec-WebSocket-Key").value_or(""));
  if (r.method != "GET" || r.headers.count("Sec-WebSocket-Key") != 1 || !ws::valid_handshake_key(key) ||
      !e.body().finished())
    fail(disposition::invalid, "The WebSocket handshake is not valid.");
  auto answer = co_await client.send(target.to, upstream_request(r, target, hop_of(e), true));
  if (!answer.upgraded) {
    co_await relay_answer(e, client, std::move(answer), target);
    co_return;
  }
  if (!accepts_websocket(answer.headers, key))
    fail(disposition::disconnected, "The server behind this address gave a wrong answer to the WebSocket handshake.");
  auto ours = co_await e.upgrade(client_headers(101, answer.headers, target));

  static auto& open = metrics::get_gauge("atrium_net_proxy_tunnels", "WebSocket connections that are tunnelled now");
  struct counted {
    counted() { open.add(1); }
    ~counted() { open.add(-1); }
  } guard;
  co_await run_tunnel({std::move(ours.stream), std::move(ours.buffered)},
                      {std::move(answer.upgraded->stream), std::move(answer.upgraded->buffered)}, target.on_bytes);
}

}  // namespace

rt::task<void> forward(exchange& e, http_client& client, const proxy_target& target) {
  return asks_for_websocket(e.request()) ? forward_upgrade(e, client, target) : forward_request(e, client, target);
}

}  // namespace atrium::net
