#include "tests/integration/kills/session.hpp"

namespace atrium::tests {

namespace {

disposition disposition_of(std::string_view code) {
  for (int d = 0; d <= static_cast<int>(disposition::unimplemented); ++d)
    if (to_string(static_cast<disposition>(d)) == code) return static_cast<disposition>(d);
  return disposition::failed;
}

}  // namespace

bool lost(const failure& f) { return f.error().code() != "answer"; }

rt::task<std::unique_ptr<session>> session::open(net::http_client& client, const net::origin& at, std::string target,
                                                 std::string cookie, findings& f, handlers h) {
  std::unique_ptr<session> s(new session(f, std::move(h)));
  net::request head{.target = std::move(target),
                    .headers = {{"Cookie", std::move(cookie)}, {"Origin", "http://" + at.authority()}}};
  s->socket_ = co_await rt::with_timeout(
      std::chrono::seconds(15), net::connect_websocket(client, at, std::move(head), {.message_bytes = 64u << 20}));
  co_return s;
}

rt::task<json::value> session::call(std::string method, json::object params, rt::duration limit) {
  const auto id = ++last_id_;
  co_await rt::with_timeout(
      limit,
      socket_->send_text(json::serialize(json::object{{"id", id}, {"method", method}, {"params", std::move(params)}})));
  co_return co_await rt::with_timeout(limit, answer(id));
}

rt::task<json::value> session::answer(std::int64_t id) {
  for (;;) {
    auto m = co_await socket_->receive();
    if (!m) fail(disposition::disconnected, "The session was closed.");
    if (m->binary) {
      handlers_.output(std::string_view(m->data).substr(std::min<std::size_t>(5, m->data.size())));
      continue;
    }
    auto object = json::parse(m->data).as_object();
    if (object.contains("event")) {
      handlers_.event(object);
      continue;
    }
    const auto of = object.at("id").is_number() ? object.at("id").to_number<std::int64_t>() : -1;
    if (of != id) findings_.violation("an answer that nobody waits for: " + m->data.substr(0, 300));
    if (const auto* e = object.if_contains("error"))
      throw failure(error(disposition_of(e->at("code").as_string()), std::string(e->at("message").as_string()))
                        .with_code("answer"));
    co_return object.at("result");
  }
}

rt::task<void> session::type(std::int64_t channel, std::string text) {
  std::string frame(1, '\x01');
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(channel >> shift);
  frame += text;
  co_await rt::with_timeout(std::chrono::seconds(15), socket_->send_binary(rt::as_bytes(frame)));
}

}  // namespace atrium::tests
