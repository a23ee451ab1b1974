#include "client_state.hpp"

#include <algorithm>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/net/tls.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::k8s {

namespace {

constexpr rt::duration least_wait = std::chrono::milliseconds(100);  // who says 0 is not asked without end

std::shared_ptr<net::tls_context> tls_of(const config& c) {
  if (!c.server.secure) return nullptr;
  return net::tls_context::client(c.ca_pem, c.client_certificate_pem, c.client_key_pem, !c.insecure);
}

net::client_options call_options(const client_options& o) {
  net::client_options n;
  n.response_timeout = o.request_timeout;
  n.limits.body_bytes = o.answer_bytes;
  return n;
}

// Watches are quiet for minutes and go on for ever; who reads them decides when they have been quiet for too long.
net::client_options stream_options(const client_options& o) {
  net::client_options n = call_options(o);
  n.idle_per_origin = 2;
  n.limits.body_bytes = std::uint64_t(1) << 62;
  n.limits.body_timeout = std::chrono::hours(24 * 365);
  return n;
}

}  // namespace

std::string query_of(std::initializer_list<std::pair<std::string_view, std::string>> pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    out.append(out.empty() ? "?" : "&").append(name).append("=").append(net::percent_encode(value));
  }
  return out;
}

client::state::state(config c, client_options o)
    : settings(std::move(c)),
      options(std::move(o)),
      calls(call_options(options), tls_of(settings)),
      streams(stream_options(options), tls_of(settings)) {}

net::request client::state::make_request(std::string method, std::string target) const {
  net::request head;
  head.method = std::move(method);
  head.target = settings.path_prefix + std::move(target);
  head.headers.add("Accept", "application/json");
  head.headers.add("User-Agent", options.user_agent);
  return head;
}

rt::task<void> client::state::authorize(net::request& head) {
  if (!settings.token_file.empty()) {
    const auto now = rt::loop::current().now();
    if (!token_read_ || now - *token_read_ > options.token_age) {
      auto text = co_await rt::read_file(settings.token_file, 1u << 20);
      while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
      token_ = std::move(text);
      token_read_ = now;
    }
  } else {
    token_ = settings.token;
  }
  if (!token_.empty()) head.headers.set("Authorization", "Bearer " + token_);
}

rt::duration client::state::lengthened(rt::duration wait) {
  std::uniform_real_distribution<double> by(1, 1 + std::max(options.retry_jitter, 0.0));
  return std::chrono::duration_cast<rt::duration>(wait * by(random_));
}

rt::task<net::client_response> client::state::send(net::http_client& by, net::request head, std::string body) {
  static auto& retries =
      metrics::get_counter("atrium_k8s_retries_total", "Calls repeated because Kubernetes was overloaded");
  bool token_renewed = false;
  rt::duration waited{}, pause = std::chrono::milliseconds(250);
  for (;;) {
    co_await authorize(head);
    auto answer = co_await by.send(settings.server, head, body);
    if (answer.upgraded || (answer.status >= 200 && answer.status < 300)) co_return answer;
    const auto text = co_await rt::with_timeout(options.request_timeout, answer.body->text(1u << 20));
    if (answer.status == 401 && !settings.token_file.empty() && !std::exchange(token_renewed, true)) {
      forget_token();
      continue;
    }
    const auto asked = parse_retry_after(answer.headers.find("Retry-After").value_or(""));
    if (answer.status == 429 || (answer.status == 503 && asked)) {
      const auto wait = std::max(asked.value_or(std::exchange(pause, pause * 2)), least_wait);
      if (const auto left = options.retry_limit - waited; wait <= left) {
        const auto longer = std::min(lengthened(wait), left);
        waited += longer;
        retries.add();
        co_await rt::sleep_for(longer);
        continue;
      }
    }
    throw failure(error_of_status(answer.status, text));
  }
}

rt::task<boost::json::value> client::state::call(std::string method, std::string target, std::string body,
                                                 std::string content_type) {
  auto head = make_request(std::move(method), std::move(target));
  if (!body.empty()) head.headers.add("Content-Type", std::move(content_type));
  auto answer = co_await send(calls, std::move(head), std::move(body));
  const auto text = co_await rt::with_timeout(options.request_timeout, answer.body->text(options.answer_bytes));
  const auto type = answer.headers.find("Content-Type").value_or("");
  if (!type.starts_with("application/json")) co_return boost::json::value(text);
  auto parsed = parse_json(text);
  if (!parsed) throw failure(error(disposition::failed, "Kubernetes answered with something that is not JSON."));
  co_return std::move(*parsed);
}

}  // namespace atrium::k8s
