#include "server_exchange.hpp"

#include "http1_writer.hpp"

namespace atrium::net {

namespace {

constexpr std::uint64_t drained_body_bytes = 64 * 1024;  // cheaper to read than a new connection

/// RFC 9110 section 6.4.1: answers that never have a body, whatever their fields say.
bool never_has_body(unsigned status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

rt::task<void> request_body::before_first_read() {
  auto& x = owner_;
  if (!x.facts_.expects_continue || x.responded() || std::exchange(x.continued_, true)) co_return;
  co_await rt::with_timeout(x.connection_.shared_.limits.body_timeout,
                            x.connection_.stream_->write_all(rt::as_bytes("HTTP/1.1 100 Continue\r\n\r\n")));
}

/// Ends with finish(); destroyed before, it leaves `writing_` set and the connection is cut.
class server_exchange::writer final : public body_writer {
 public:
  writer(server_exchange& x, framed_writer framed, bool discards) noexcept
      : exchange_(x), framed_(framed), discards_(discards) {}
  rt::task<void> write(std::span<const std::byte> bytes) override {
    if (finished_) fail(disposition::invalid, "The body of this answer was already finished.");
    if (!discards_) co_await framed_.write(bytes);
  }
  rt::task<void> finish() override {
    if (finished_) co_return;
    if (!discards_) co_await framed_.finish();
    finished_ = true;
    exchange_.writing_ = false;
  }

 private:
  server_exchange& exchange_;
  framed_writer framed_;
  bool discards_, finished_ = false;
};

server_exchange::server_exchange(server_connection& c, net::request head, const http1::head_facts& facts)
    : connection_(c), facts_(facts), request_body_(*this, *c.stream_, c.input_, facts, c.shared_.limits.body_timeout) {
  request_ = std::move(head);
  body_ = &request_body_;
  request_body_.limit(c.shared_.limits.body_bytes);
  secure_ = c.stream_->secure();
  peer_ = c.peer_;
  peer_address_ = c.peer_address_;
}

void server_exchange::take_answer(unsigned status) {
  if (responded_) fail(disposition::failed, "This request was already answered.");
  responded_ = true;
  status_ = status;
}

/// Whether what is left of the request's body will be out of the way before the next request.
bool server_exchange::body_is_settled() const noexcept {
  if (request_body_.broken()) return false;
  if (request_body_.finished()) return true;
  if (facts_.expects_continue && !continued_) return false;  // it may come or not: only a new connection is unambiguous
  const auto left = request_body_.left();
  return left && *left <= drained_body_bytes;
}

std::string server_exchange::head_text(response& r, std::optional<std::uint64_t> length, bool chunked) {
  keep_ = facts_.keep_alive && !connection_.shared_.draining && body_is_settled() &&
          !r.headers.has_token("Connection", "close");
  if (!chunked && !length && !never_has_body(r.status)) keep_ = false;  // the body ends with the connection
  r.headers.erase("Connection");
  r.headers.erase("Transfer-Encoding");
  r.headers.erase("Content-Length");
  if (length) r.headers.add("Content-Length", std::to_string(*length));
  if (chunked) r.headers.add("Transfer-Encoding", "chunked");
  if (!r.headers.contains("Date")) r.headers.add("Date", http1::http_date_now());
  if (!keep_) r.headers.add("Connection", "close");
  else if (request_.minor_version == 0) r.headers.add("Connection", "keep-alive");
  std::string out;
  out.reserve(512);
  http1::write_response_head(out, r.status, r.headers).value();
  return out;
}

std::string server_exchange::begin_answer(response& r, std::string_view& body) {
  if (responded_) fail(disposition::failed, "This request was already answered.");
  const bool to_head = request_.method == "HEAD";
  std::optional<std::uint64_t> length = body.size();
  if (to_head && body.empty())  // the length that GET would have, where the handler knows it
    if (const auto given = r.headers.find("Content-Length")) length = http1::parse_length(*given);
  if (never_has_body(r.status)) length.reset();
  if (!length || to_head) body = {};
  auto text = head_text(r, length, false);
  take_answer(r.status);
  writing_ = true;
  return text;
}

rt::task<void> server_exchange::respond(response head, std::string_view body) {
  const auto text = begin_answer(head, body);
  outgoing out(text, body);  // one write, one packet where it fits
  if (!out.try_write(*connection_.stream_))
    co_await out.finish(*connection_.stream_, connection_.shared_.limits.body_timeout);
  writing_ = false;
}

rt::task<void> server_exchange::respond(response r) {
  const auto body = std::move(r.body);
  co_await respond(std::move(r), body);
}

rt::task<std::unique_ptr<body_writer>> server_exchange::start(response head) {
  if (responded_) fail(disposition::failed, "This request was already answered.");
  std::optional<std::uint64_t> length;
  if (const auto given = head.headers.find("Content-Length")) {
    length = http1::parse_length(*given);
    if (!length) fail(disposition::invalid, "The Content-Length of an answer is not a number.");
  }
  const bool bodiless = never_has_body(head.status);
  if (bodiless) length.reset();
  const bool chunked = !bodiless && !length && request_.minor_version == 1;
  const auto text = head_text(head, length, chunked);
  take_answer(head.status);
  writing_ = true;
  const auto timeout = connection_.shared_.limits.answer_timeout;
  co_await write_with_progress(*connection_.stream_, rt::as_bytes(text), timeout);
  co_return std::make_unique<writer>(*this, framed_writer(*connection_.stream_, length, !chunked, timeout),
                                     bodiless || request_.method == "HEAD");
}

rt::task<exchange::upgraded> server_exchange::upgrade(net::headers fields) {
  if (responded_) fail(disposition::failed, "This request was already answered.");
  if (request_.minor_version == 0 || facts_.framing != http1::framing::none)
    fail(disposition::invalid, "A connection can be upgraded by an HTTP/1.1 request without a body only.");
  fields.set("Connection", "Upgrade");
  std::string out;
  http1::write_response_head(out, 101, fields).value();
  take_answer(101);
  writing_ = true;
  co_await write_with_progress(*connection_.stream_, rt::as_bytes(out), connection_.shared_.limits.body_timeout);
  writing_ = false;
  upgraded_ = true;
  connection_.record_.stream = nullptr;
  co_return upgraded{std::move(connection_.stream_), connection_.input_.take()};
}

rt::task<void> server_exchange::upgrade(net::headers fields, upgraded_session session) {
  auto raw = co_await upgrade(std::move(fields));
  connection_.rest_ = std::make_unique<handed_over>(std::move(raw), std::move(session));
}

rt::task<void> server_exchange::peer_gone() {
  keep_ = false;  // a cancelled read may have taken bytes of a next request
  try {
    // Requests sent ahead are not going to be answered, and one that sends more than a head's worth is as good as gone.
    while (connection_.input_.view().size() <= connection_.shared_.limits.head_bytes) {
      co_await connection_.stream_->wait_readable();
      if (co_await connection_.input_.fill(*connection_.stream_) == 0) break;
    }
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
}

rt::task<bool> server_exchange::settle() {
  if (!keep_ || writing_ || !body_is_settled()) co_return false;
  read_buffer scrap(read_buffer::head);  // not in the frame: most requests leave nothing
  while (!request_body_.finished()) co_await request_body_.read_some(scrap.borrow());
  co_return facts_.keep_alive;
}

}  // namespace atrium::net
