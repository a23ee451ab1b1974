// Answers that go on: watches, logs, commands in containers.
#include <array>

#include "atrium/k8s/exec_protocol.hpp"
#include "atrium/net/websocket.hpp"
#include "client_state.hpp"

namespace atrium::k8s {

namespace {

class http_watch final : public watch_stream {
 public:
  explicit http_watch(net::client_response answer) : answer_(std::move(answer)) {}

  rt::task<std::optional<watch_event>> next() override {
    for (;;) {
      auto event = decoder_.next();
      if (!event) throw failure(event.error());
      if (*event) co_return std::move(*event);
      const auto n = co_await answer_.body->read_some(buffer_);
      if (n == 0) co_return std::nullopt;
      decoder_.feed(rt::as_text(std::span(buffer_).first(n)));
    }
  }

 private:
  net::client_response answer_;
  watch_decoder decoder_;
  std::array<std::byte, 8192> buffer_;
};

class websocket_exec final : public exec_session {
 public:
  explicit websocket_exec(std::unique_ptr<net::websocket> socket) : socket_(std::move(socket)) {}

  rt::task<std::optional<output>> receive() override {
    while (!result_) {
      auto message = co_await socket_->receive();
      if (!message) fail(disposition::disconnected, "The connection to the container ended before the command did.");
      const auto frame = decode_exec_frame(message->data);
      if (!frame) throw failure(frame.error());
      if (frame->channel == exec_channel::status) {
        auto end = parse_exec_status(frame->data);
        result_ = exec_result{end.exit_code, std::move(end.message)};
      } else if (!frame->data.empty() &&
                 (frame->channel == exec_channel::output || frame->channel == exec_channel::error)) {
        co_return output{frame->channel == exec_channel::error, std::string(frame->data)};
      }
    }
    co_return std::nullopt;
  }

  rt::task<void> send(std::span<const std::byte> input) override {
    // The servers' WebSocket library refuses messages above 32 MiB; small ones keep both sides' buffers small.
    constexpr std::size_t piece = 32 * 1024;
    while (!input.empty()) {
      const auto part = input.first(std::min(piece, input.size()));
      co_await socket_->send_binary(
          rt::as_bytes(std::string(encode_exec_frame(exec_channel::input, rt::as_text(part)))));
      input = input.subspan(part.size());
    }
  }

  rt::task<void> close_input() override {
    if (socket_->protocol() != exec_v5)
      fail(disposition::unimplemented,
           "This Kubernetes cannot end the standard input of a command (it is older than 1.30).");
    const auto frame = encode_exec_close(exec_channel::input);
    co_await socket_->send_binary(rt::as_bytes(frame));
  }

  rt::task<void> resize(unsigned columns, unsigned rows) override {
    const auto frame = encode_exec_resize(columns, rows);
    co_await socket_->send_binary(rt::as_bytes(frame));
  }

  const std::optional<exec_result>& result() const noexcept override { return result_; }
  void abort() noexcept override { socket_->abort(); }

 private:
  std::unique_ptr<net::websocket> socket_;
  std::optional<exec_result> result_;
};

std::string flag(bool on) { return on ? "true" : ""; }

rt::task<void> feed_input(exec_session& s, std::string& input) {
  co_await s.send(rt::as_bytes(input));
  co_await s.close_input();
}

}  // namespace

rt::task<std::unique_ptr<watch_stream>> client::watch(const resource& kind, std::string ns, watch_options o) {
  auto head = state_->make_request(
      "GET", kind.collection_path(ns) + query_of({{"watch", "true"},
                                                  {"allowWatchBookmarks", "true"},
                                                  {"labelSelector", o.label_selector},
                                                  {"fieldSelector", o.field_selector},
                                                  {"resourceVersion", o.resource_version},
                                                  {"timeoutSeconds", std::to_string(o.timeout.count())}}));
  co_return std::make_unique<http_watch>(co_await state_->send(state_->streams, std::move(head), {}));
}

rt::task<std::unique_ptr<net::body_reader>> client::logs(std::string ns, std::string pod, log_options o) {
  auto head =
      state_->make_request("GET", resources::pods.object_path(ns, pod, "log") +
                                      query_of({{"container", o.container},
                                                {"follow", flag(o.follow)},
                                                {"previous", flag(o.previous)},
                                                {"timestamps", flag(o.timestamps)},
                                                {"tailLines", o.tail_lines ? std::to_string(*o.tail_lines) : ""},
                                                {"limitBytes", o.limit_bytes ? std::to_string(*o.limit_bytes) : ""},
                                                {"sinceSeconds", o.since ? std::to_string(o.since->count()) : ""}}));
  head.headers.set("Accept", "*/*");
  auto answer = co_await state_->send(state_->streams, std::move(head), {});
  co_return std::move(answer.body);
}

rt::task<std::unique_ptr<exec_session>> client::exec(std::string ns, std::string pod, exec_options o) {
  std::string target = resources::pods.object_path(ns, pod, "exec") + query_of({{"stdout", "true"},
                                                                                {"stderr", flag(!o.terminal)},
                                                                                {"stdin", flag(o.standard_input)},
                                                                                {"tty", flag(o.terminal)},
                                                                                {"container", o.container}});
  for (const auto& word : o.command) target += "&command=" + net::percent_encode(word);
  net::websocket_options options;
  options.protocols = {std::string(exec_v5), std::string(exec_v4)};
  auto head = state_->make_request("GET", target);
  head.headers.set("Accept", "*/*");  // the API server answers 406 when only JSON will do
  const auto send = [this](net::request r) { return state_->send(state_->streams, std::move(r), {}); };
  co_return std::make_unique<websocket_exec>(
      co_await net::connect_websocket(send, std::move(head), std::move(options)));
}

rt::task<client::exec_output> client::run(std::string ns, std::string pod, exec_options o, std::string input,
                                          std::size_t limit) {
  o.standard_input = !input.empty();
  auto session = co_await exec(std::move(ns), std::move(pod), std::move(o));
  exec_output out;
  // The input is written beside the reading: a command that answers before it has read all must not block both.
  rt::scope writer(&co_await rt::this_task());
  if (!input.empty()) writer.spawn(feed_input(*session, input), "exec input");
  std::exception_ptr failed;
  try {
    while (auto piece = co_await session->receive()) {
      auto& into = piece->standard_error ? out.standard_error : out.standard_output;
      into.append(piece->data, 0, limit - std::min(limit, into.size()));
    }
    out.result = *session->result();
  } catch (...) {
    failed = std::current_exception();
  }
  writer.cancel(rt::cancel_reason::requested);
  try {
    co_await writer.join();
  } catch (const failure&) {
    // A command need not read its input to the end; what it answered counts.
    if (!failed && !session->result()) failed = std::current_exception();
  }
  if (failed) std::rethrow_exception(failed);
  co_return out;
}

}  // namespace atrium::k8s
