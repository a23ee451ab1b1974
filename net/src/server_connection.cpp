#include "server_connection.hpp"

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "http1_writer.hpp"
#include "request_trace.hpp"
#include "server_exchange.hpp"

namespace atrium::net {

rt::task<std::unique_ptr<handed_over>> server_connection::run() {
  while (co_await wait_for_request())
    if (!co_await serve_one()) break;
  co_return std::move(rest_);
}

/// False when the connection is over. Holds no buffer while it waits.
rt::task<bool> server_connection::wait_for_request() {
  if (!input_.empty()) co_return true;  // pipelined
  if (shared_.draining) co_return false;
  input_.release();
  record_.idle = true;
  const bool came = co_await rt::in_time(shared_.limits.idle_timeout, stream_->wait_readable());
  record_.idle = false;
  co_return came;
}

/// Until the head is whole or refused, or nobody sends any more.
rt::task<void> server_connection::read_head(http1::request_parser& parser, http1::progress& outcome) {
  while (outcome == http1::progress::more && co_await input_.fill(*stream_) > 0)
    outcome = parser.advance(input_.view());
}

/// Waits for the rest of a head that did not come in one piece; false when there will be none.
rt::task<bool> server_connection::receive_head(http1::request_parser& parser, http1::progress outcome) {
  const bool here = co_await rt::in_time(shared_.limits.head_timeout, read_head(parser, outcome));
  if (!here && !input_.empty())
    co_await refuse(error(disposition::timed_out, "The request did not arrive in time.").with_code("http.408"));
  if (outcome == http1::progress::refused) co_await refuse(refusal_error(parser.why(), message_kind::request));
  co_return outcome ==
      http1::progress::done;  // still more: closed before the head was whole, nobody is there to answer
}

rt::task<bool> server_connection::serve_one() {
  http1::request_parser parser({shared_.limits.head_bytes, shared_.limits.header_count, shared_.limits.target_bytes});
  if (input_.empty()) input_.try_fill(*stream_);
  if (const auto outcome = parser.advance(input_.view()); outcome != http1::progress::done)
    if (!co_await receive_head(parser, outcome)) co_return false;
  input_.consume(parser.consumed());
  server_exchange x(*this, std::move(parser.head), parser.facts());
  auto& node = co_await rt::this_task();
  const rt::trace_region traced(node, trace_of(x.request(), shared_.takes_trace));
  std::exception_ptr failed;
  try {
    co_await shared_.handle(x);
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed) {
    if (node.cancelled() != rt::cancel_reason::none) std::rethrow_exception(failed);
    const auto e = error_of(failed);
    auto answer = response::of(e);
    const auto level = answer.status >= 500 && !x.responded() ? log::level::warn : log::level::debug;
    log::write(level, "request failed",
               {{"method", x.request().method}, {"route", x.route()}, {"status", answer.status}, {"error", e}});
    if (!x.responded()) co_await x.respond(std::move(answer));
  }
  if (x.is_upgraded()) co_return false;
  if (!x.responded()) co_await x.respond(response::text(500, "The server has no answer to this request.\n"));
  if (x.is_cut()) {
    stream_->abort();
    co_return false;
  }
  if (co_await x.settle()) co_return true;
  if (x.body_unread()) co_await linger();
  co_return false;
}

/// Answers a request that was not understood, without a handler.
rt::task<void> server_connection::refuse(error e) {
  auto answer = response::of(e);
  static auto& refused =
      metrics::get_counter("atrium_net_http_refused_total", "Requests refused before they reached a handler");
  refused.add();
  log::debug("request refused", {{"error", e}});
  answer.headers.add("Content-Length", std::to_string(answer.body.size()));
  answer.headers.add("Date", http1::http_date_now());
  answer.headers.add("Connection", "close");
  std::string out;
  http1::write_response_head(out, answer.status, answer.headers).value();
  out.append(answer.body);
  co_await write_with_progress(*stream_, rt::as_bytes(out), shared_.limits.body_timeout);
  co_await linger();
}

/// Closing a socket with unread bytes resets it and may take our answer from the client's hands (RFC 9112 section 9.6),
/// so the rest is read for a moment.
rt::task<void> server_connection::linger() {
  constexpr std::size_t most = 256 * 1024;
  const auto limit = std::min<rt::duration>(shared_.limits.body_timeout, std::chrono::seconds(2));
  const auto read_rest = [](stream& s) -> rt::task<void> {
    std::byte scrap[4096];
    for (std::size_t n = 0, total = 0; total < most && (n = co_await s.read_some(scrap)) > 0;) total += n;
  };
  co_await stream_->shutdown_send();
  co_await rt::in_time(limit, read_rest(*stream_));
}

}  // namespace atrium::net
