#include "atrium/net/client.hpp"

#include "atrium/net/tls.hpp"
#include "atrium/rt/sync.hpp"
#include "client_pool.hpp"
#include "framed_io.hpp"
#include "http1_writer.hpp"
#include "request_trace.hpp"

namespace atrium::net {

namespace {

using connection_ptr = std::unique_ptr<client_connection>;

/// The body of an answer; owns its connection and gives it back at the end.
class response_body final : public framed_body {
 public:
  response_body(connection_ptr c, std::shared_ptr<client_pool> pool, const http1::head_facts& facts,
                rt::duration timeout)
      : framed_body(message_kind::response, *c->stream, c->input, facts, timeout),
        connection_(std::move(c)),
        pool_(std::move(pool)),
        keep_(facts.keep_alive) {
    if (finished()) at_end();
  }
  ~response_body() override {
    if (connection_) connection_->stream->abort();
  }

 protected:
  void at_end() noexcept override {
    if (!connection_ || returned_) return;
    returned_ = true;
    // The base refers to stream and buffer, but does not touch them again once the body is finished.
    if (keep_ && pool_) pool_->put(std::move(connection_), rt::loop::current().now());
    connection_.reset();
  }

 private:
  connection_ptr connection_;
  std::shared_ptr<client_pool> pool_;
  bool keep_, returned_ = false;
};

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" ||
         method == "TRACE";
}

struct answer_head {
  unsigned status;
  net::headers headers;
  http1::head_facts facts;
};

/// Reads heads until a final one; 100 and 103 are skipped.
rt::task<answer_head> read_answer(client_connection& c, http_limits limits, bool to_head) {
  for (int interim = 0; interim < 16; ++interim) {
    http1::response_parser parser({limits.head_bytes, limits.header_count, limits.target_bytes}, to_head);
    http1::progress p;
    while ((p = parser.advance(c.input.view())) == http1::progress::more)
      if (co_await c.input.fill(*c.stream) == 0)
        fail(disposition::disconnected, "The server closed the connection without an answer.");
    if (p == http1::progress::refused) throw failure(refusal_error(parser.why(), message_kind::response));
    c.input.consume(parser.consumed());
    if (parser.status >= 200 || parser.status == 101)
      co_return answer_head{parser.status, std::move(parser.headers), parser.facts()};
  }
  fail(disposition::disconnected, "The server sent too many interim answers.");
}

/// A request as it is sent. What it was made of is not held while the answer is waited for.
struct prepared {
  std::string text;
  bool to_head, upgrades, idempotent;
};

prepared prepare(const origin& to, request head, std::optional<std::uint64_t> length, bool chunked) {
  if (!head.headers.contains("Host")) head.headers.set("Host", to.authority());
  head.headers.erase("Content-Length");
  head.headers.erase("Transfer-Encoding");
  if (chunked) head.headers.add("Transfer-Encoding", "chunked");
  else if (length && (*length || head.method == "POST" || head.method == "PUT" || head.method == "PATCH"))
    head.headers.add("Content-Length", std::to_string(*length));
  set_traceparent(head.headers);
  head.minor_version = 1;
  prepared p{{}, head.method == "HEAD", head.headers.contains("Upgrade"), is_idempotent(head.method)};
  p.text.reserve(1024);
  http1::write_request_head(p.text, head).value();
  return p;
}

}  // namespace

struct http_client::state {
  client_options options;
  std::shared_ptr<tls_context> tls;
  std::shared_ptr<client_pool> pool;

  rt::task<stream_ptr> connect_stream(origin to);
  connection_ptr take(const origin& to, bool fresh);  ///< null when a new one is needed
  rt::task<connection_ptr> open(const origin& to);
  client_response finish(connection_ptr, answer_head);
  rt::task<answer_head> ask(client_connection&, outgoing, bool to_head);
};

http_client::http_client(client_options options, std::shared_ptr<tls_context> tls) : state_(std::make_unique<state>()) {
  state_->pool = std::make_shared<client_pool>(options.idle_per_origin, options.idle_timeout);
  state_->options = options;
  state_->tls = std::move(tls);
}
http_client::~http_client() { state_->pool->close(); }

rt::task<stream_ptr> http_client::state::connect_stream(origin to) {
  stream_ptr s;
  if (!to.unix_socket.empty()) {
    s = make_stream(co_await rt::socket::connect(rt::endpoint::unix_path(to.unix_socket)));
  } else {
    std::string name = to.host;
    if (name.starts_with('[')) name = name.substr(1, name.size() - 2);
    std::exception_ptr failed;
    for (const auto& address : co_await rt::resolve(name, to.port)) {
      try {
        s = make_stream(co_await rt::socket::connect(address));
        break;
      } catch (const failure& f) {
        if (f.disposition() == disposition::cancelled) throw;
        failed = std::current_exception();
      }
    }
    if (!s && failed) std::rethrow_exception(failed);
    if (!s) fail(disposition::disconnected, "The name of the server has no address.");
  }
  if (!to.secure) co_return s;
  if (!tls) fail(disposition::invalid, "This client has no certificates to speak TLS with.");
  co_return co_await tls->handshake_client(std::move(s), to.host);
}

rt::task<stream_ptr> http_client::connect(const origin& to) {
  return rt::with_timeout(state_->options.connect_timeout, state_->connect_stream(to));
}

connection_ptr http_client::state::take(const origin& to, bool fresh) {
  return fresh ? nullptr : pool->take(to, rt::loop::current().now());
}

rt::task<connection_ptr> http_client::state::open(const origin& to) {
  auto c = std::make_unique<client_connection>();
  c->stream = co_await rt::with_timeout(options.connect_timeout, connect_stream(to));
  c->to = to;
  co_return c;
}

client_response http_client::state::finish(connection_ptr c, answer_head a) {
  client_response out{.status = a.status, .headers = std::move(a.headers), .body = nullptr, .upgraded = std::nullopt};
  if (a.status == 101) {
    out.upgraded.emplace(std::move(c->stream), c->input.take());
    return out;
  }
  out.body = std::make_unique<response_body>(std::move(c), pool, a.facts, options.limits.body_timeout);
  return out;
}

rt::task<answer_head> http_client::state::ask(client_connection& c, outgoing out, bool to_head) {
  std::exception_ptr unsent;
  if (!out.try_write(*c.stream)) {
    try {
      co_await out.finish(*c.stream, options.limits.body_timeout);
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected) throw;
      unsent = std::current_exception();  // a server may answer and close before it has read everything
    }
  }
  try {
    co_return co_await rt::with_timeout(options.response_timeout, read_answer(c, options.limits, to_head));
  } catch (const failure& f) {
    if (unsent && f.disposition() == disposition::disconnected) std::rethrow_exception(unsent);
    throw;
  }
}

rt::task<client_response> http_client::send(const origin& to, request head, std::string body) {
  auto& s = *state_;
  const auto p = prepare(to, std::move(head), body.size(), false);
  for (bool fresh = p.upgrades;; fresh = true) {
    auto c = s.take(to, fresh);
    if (!c) c = co_await s.open(to);
    try {
      auto answer = co_await s.ask(*c, outgoing(p.text, body), p.to_head);
      co_return s.finish(std::move(c), std::move(answer));
    } catch (const failure& f) {
      // Closed while idle: the request never arrived, or is safe to repeat.
      if (!c->reused || f.disposition() != disposition::disconnected || !p.idempotent) throw;
    }
  }
}

namespace {

/// Sends a body beside the wait for the answer.
struct upload {
  client_connection& connection;
  std::string_view head;
  std::optional<std::uint64_t> length;
  body_reader& body;
  const client_options& options;
  rt::condition changed;
  std::exception_ptr source_failed;
  bool done = false, complete = false, timed_out = false;

  rt::task<void> run() {
    try {
      co_await send_all();
      complete = true;
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      if (source_failed) connection.stream->abort();  // the server must not take the part for the whole
    } catch (...) {
      source_failed = std::current_exception();
      connection.stream->abort();
    }
    done = true;
    changed.notify_all();
    co_await rt::sleep_for(options.response_timeout);
    timed_out = true;
    connection.stream->abort();
  }

  rt::task<void> send_all() {
    co_await write_with_progress(*connection.stream, rt::as_bytes(head), options.limits.body_timeout);
    framed_writer writer(*connection.stream, length, false, options.limits.body_timeout);
    std::vector<std::byte> piece(16 * 1024);
    while (true) {
      std::size_t n = 0;
      try {
        n = co_await body.read_some(piece);
      } catch (...) {
        source_failed = std::current_exception();
        throw;
      }
      if (n == 0) break;
      co_await writer.write(std::span(piece).first(n));
    }
    try {
      co_await writer.finish();
    } catch (const failure& f) {
      if (f.disposition() == disposition::invalid) source_failed = std::current_exception();
      throw;
    }
  }
};

}  // namespace

rt::task<client_response> http_client::send(const origin& to, request head, std::optional<std::uint64_t> length,
                                            body_reader& body) {
  auto& s = *state_;
  const auto p = prepare(to, std::move(head), length, !length);
  auto c = s.take(to, p.upgrades);
  if (!c) c = co_await s.open(to);
  upload up{*c, p.text, length, body, s.options, {}, nullptr};
  std::optional<answer_head> answer;
  std::exception_ptr failed;
  rt::scope sending(&co_await rt::this_task());
  sending.spawn(up.run(), "send request body");
  try {
    answer = co_await read_answer(*c, s.options.limits, p.to_head);
    if (answer->status < 400)
      while (!up.done) co_await up.changed.wait();
  } catch (...) {
    failed = std::current_exception();
  }
  sending.cancel(rt::cancel_reason::requested);
  try {
    co_await sending.join();
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  if (up.source_failed && !(answer && answer->status >= 400)) std::rethrow_exception(up.source_failed);
  if (up.timed_out && !answer) fail(disposition::timed_out, "The server behind this address did not answer in time.");
  if (failed) std::rethrow_exception(failed);
  if (!up.complete) answer->facts.keep_alive = false;
  co_return s.finish(std::move(c), std::move(*answer));
}

rt::task<http_client::whole> http_client::fetch(const origin& to, request head, std::string body, std::size_t limit) {
  auto r = co_await send(to, std::move(head), std::move(body));
  whole out{r.status, std::move(r.headers), {}};
  if (!r.body) co_return out;
  try {
    out.body = co_await r.body->text(limit);
  } catch (const failure& f) {
    if (f.disposition() != disposition::overloaded) throw;
    fail(disposition::overloaded,
         "The answer is larger than expected.");  // without the code that is meant for requests
  }
  co_return out;
}

}  // namespace atrium::net
