#include "apps/hub-websocket/connection.hpp"

#include <boost/json.hpp>
#include <random>

#include "apps/domain/json.hpp"
#include "apps/hub-websocket/methods.hpp"
#include "apps/hub-websocket/request.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::hub_websocket {

namespace json = boost::json;

namespace {

struct connection_metrics {
  metrics::gauge& open = metrics::get_gauge("atrium_hub_websocket_connections", "Open WebSocket connections");
  metrics::counter& requests = metrics::get_counter("atrium_hub_websocket_requests_total", "Requests of clients");
  metrics::counter& failures =
      metrics::get_counter("atrium_hub_websocket_request_failures_total", "Requests answered with an error");
  metrics::counter& refusals =
      metrics::get_counter("atrium_hub_websocket_rate_limited_total", "Requests refused by the rate limit");
  metrics::counter& overflows =
      metrics::get_counter("atrium_hub_websocket_slow_clients_total", "Clients closed because they did not read");
  metrics::histogram& seconds =
      metrics::get_histogram("atrium_hub_websocket_request_seconds", "From a request to its answer");
};
connection_metrics& numbers() {
  static connection_metrics m;
  return m;
}

std::string answer_text(std::optional<std::int64_t> id, std::string_view member, const json::value& value) {
  return "{\"id\":" + (id ? std::to_string(*id) : "null") + ",\"" + std::string(member) +
         "\":" + json::serialize(value) + "}";
}

std::string error_text(std::optional<std::int64_t> id, const error& e) {
  numbers().failures.add();
  json::object value{{"code", to_string(e.disposition())}, {"message", e.public_text()}};
  if (const auto traced = trace::current()) value["trace"] = traced.text();
  return answer_text(id, "error", value);
}

}  // namespace

connection::connection(hub_parts& hub, std::unique_ptr<net::websocket> socket, session_owner owner)
    : hub_(hub),
      socket_(std::move(socket)),
      rate_(hub.limits.requests_per_second, hub.limits.burst, rt::clock::now()),
      slots_(hub.limits.concurrent_requests) {
  account_id = owner.account_id;
  session_hash = std::move(owner.session_hash);
  hub_.clients.add(*this);
  numbers().open.add();
}

connection::~connection() {
  end_subscriptions();
  hub_.clients.remove(*this);
  numbers().open.add(-1);
}

rt::task<void> connection::run(std::string hello) {
  push(std::move(hello));
  return rt::with_scope([this](rt::scope& s) {
    scope_ = &s;
    return serve_requests();
  });
}

void connection::end_subscriptions() noexcept {
  for (auto& [number, query] : subscriptions_) hub_.feed.index(query.kind).remove(query.subscription);
  subscriptions_.clear();
}

/// Until the session ends. Requests that are under way then finish: their client is gone, but what it asked for is not
/// half done.
rt::task<void> connection::serve_requests() {
  struct at_end {
    connection& c;
    ~at_end() {
      c.closing_ = true;
      c.end_subscriptions();
    }
  } end{*this};
  co_await check_session();
  try {
    while (auto message = co_await socket_->receive()) {
      if (!accepts(*message)) continue;
      co_await slots_.acquire();
      scope_->spawn(serve(std::move(message->data)), "hub.request");
    }
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::debug("client lost", {{"error", f.error()}});
  }
}

/// Was the session ended between the handshake's look at it and this client's entry in the registry?
rt::task<void> connection::check_session() {
  if (session_hash.empty()) co_return;
  const auto ends = co_await store::sessions(hub_.pool).expirations({&session_hash, 1});
  if (ends[0]) expire = ends[0];
  else sign_out();
}

/// False when the message is not to be served; then the client was told.
bool connection::accepts(const net::websocket_message& message) {
  if (closing_) return false;
  if (message.binary) {
    push(error_text(std::nullopt, error(disposition::invalid, "Binary messages mean nothing here.")));
    return false;
  }
  numbers().requests.add();
  if (rate_.take(rt::clock::now())) return true;
  numbers().refusals.add();
  request r;
  parse_request(message.data, r);
  push(error_text(
      r.id, error(disposition::overloaded, "These are too many requests at once. Wait a second, then send fewer.")));
  if (++refused_ >= hub_.limits.refusals) close_soon(1008, "too many requests");
  return false;
}

rt::task<void> connection::serve(std::string text) {
  struct slot {
    rt::semaphore& slots;
    rt::time_point started = rt::clock::now();
    ~slot() {
      slots.release();
      numbers().seconds.observe(std::chrono::duration<double>(rt::clock::now() - started).count());
    }
  } held{slots_};
  request r;
  std::optional<error> failed = parse_request(text, r);
  // A connection lives for days: each request has a trace of its own, made in the page or here.
  const rt::trace_region traced(co_await rt::this_task(), r.traced ? r.traced : trace::make());
  if (!failed) {
    try {
      co_await rt::with_timeout(hub_.limits.request_time, dispatch(*r.id, r.method, r.params));
      co_return;
    } catch (...) {
      failed = error_of(std::current_exception());
    }
    if (failed->disposition() == disposition::cancelled)
      failed = error(disposition::disconnected, "The server is being restarted. Try again.");
    log::write(failed->disposition() == disposition::failed ? log::level::warn : log::level::info, "request failed",
               {{"method", r.method}, {"error", *failed}});
  }
  push(error_text(r.id, *failed));
}

rt::task<void> connection::dispatch(std::int64_t id, std::string_view name, const json::object& params) {
  if (name != "ping" && !account_id)
    fail(disposition::unauthenticated, "You are not signed in. Sign in, then try again.");
  if (name == "subscribe") {
    co_await subscribe(id, params);
    co_return;
  }
  if (name == "unsubscribe") co_return unsubscribe(id, params);
  const auto method = find_method(name);
  if (!method)
    fail(disposition::unimplemented, "There is no such method here. Reload the page: it may be older than the server.");
  call c{hub_.pool, account_id.value_or(domain::account_id()), params};
  const auto text = answer_text(id, "result", co_await method(c));
  // Waiting here while the client does not read is its backpressure: at most concurrent_requests answers wait.
  try {
    if (!closing_) co_await socket_->send_text(text);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;  // else it is gone: nobody is left to tell
  }
}

rt::task<void> connection::subscribe(std::int64_t id, const json::object& params) {
  const auto query = domain::string_at(params, "query");
  if (query != "projects" && query != "account")
    fail(disposition::invalid, "The parameter `query` must be \"projects\" or \"account\".");
  if (subscriptions_.size() >= hub_.limits.subscriptions)
    fail(disposition::overloaded, "This connection has too many subscriptions. End some with `unsubscribe`.");
  const auto kind = query == "projects" ? query_kind::projects : query_kind::account;
  const auto number = ++last_subscription_;
  auto s =
      std::make_shared<subscription>(number, *account_id, [this](std::string message) { push(std::move(message)); });
  subscriptions_.emplace(number, live_query{kind, s});
  std::vector<keyed_row> rows;
  try {
    rows = co_await hub_.feed.open(kind, s);
  } catch (...) {
    subscriptions_.erase(number);
    throw;
  }
  std::string text =
      "{\"id\":" + std::to_string(id) + ",\"result\":{\"subscription\":" + std::to_string(number) + ",\"rows\":[";
  for (bool first = true; const auto& r : rows) {
    if (!std::exchange(first, false)) text += ',';
    text += *r.row;
  }
  push(text + "]}}");
  hub_.feed.index(kind).start(*s, rows);
}

void connection::unsubscribe(std::int64_t id, const json::object& params) {
  const auto number = number_parameter(params, "subscription");
  const auto at = number ? subscriptions_.find(*number) : subscriptions_.end();
  if (at == subscriptions_.end()) fail(disposition::not_found, "This connection has no such subscription.");
  hub_.feed.index(at->second.kind).remove(at->second.subscription);
  subscriptions_.erase(at);
  push(answer_text(id, "result", json::object{}));
}

void connection::push(std::string message) {
  if (closing_ || socket_->try_send(false, std::move(message))) return;
  numbers().overflows.add();
  close_soon(1013, "the client does not read");
}

void connection::sign_out() noexcept {
  if (closing_) return;
  push("{\"event\":\"signed_out\"}");
  close_soon(4401, "signed out");
}

void connection::move() noexcept {
  if (closing_) return;
  // Spread, so that the other hubs do not get all of them in one moment.
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto after = std::uniform_int_distribution<long long>(0, hub_.limits.longest_move.count())(random);
  push("{\"event\":\"moving\",\"after_ms\":" + std::to_string(after) + "}");
  close_soon(1012, "the server is being restarted");
}

void connection::close_soon(std::uint16_t code, std::string reason) {
  if (std::exchange(closing_, true)) return;
  if (scope_) scope_->spawn(close(code, std::move(reason)), "hub.close");
  else socket_->abort();
}

rt::task<void> connection::close(std::uint16_t code, std::string reason) {
  try {
    co_await socket_->close(code, reason);
  } catch (const failure& f) {
    socket_->abort();
    if (f.disposition() == disposition::cancelled) throw;
  }
}

}  // namespace atrium::hub_websocket
