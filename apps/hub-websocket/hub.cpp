#include "apps/hub-websocket/hub.hpp"

#include <boost/json.hpp>

#include "apps/domain/version.hpp"
#include "apps/operations/rows.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::hub_websocket {

namespace json = boost::json;

namespace {

std::string hello_text(const std::optional<operations::identity>& who) {
  json::object hello{{"event", "hello"}, {"account", nullptr}, {"version", domain::version}};
  if (who) hello["account"] = operations::account_row(who->account);
  return json::serialize(hello);
}

}  // namespace

hub::hub(pg::pool& pool, std::unique_ptr<pg::change_source> source, hub_options options)
    : pool_(pool),
      options_(std::move(options)),
      feed_(pool, std::move(source), clients_),
      parts_{pool, clients_, feed_, options_.limits} {}

rt::task<void> hub::handle(net::exchange& e) {
  if (draining_) fail(disposition::overloaded, "This server is being restarted. Try again.");
  // A page of another site may open a WebSocket with this site's cookie: only its Origin gives it away.
  if (!operations::same_origin(e.request())) fail(disposition::denied, "Pages of other sites may not connect here.");
  std::optional<operations::identity> who;
  if (!e.request().headers.contains("Authorization")) who = co_await operations::auth(pool_).authenticate(e.request());
  else fail(disposition::invalid, "This address takes the session cookie. With an API key use /api/v2.");
  // A browser always says where it comes from; programs have API keys, which travel in no browser's cookie.
  if (who && !e.request().headers.contains("Origin"))
    fail(disposition::denied,
         "A WebSocket by cookie needs the Origin of its page. Programs use /api/v2 with an API key.");
  if (who && clients_.count(who->id()) >= options_.connections_of_account)
    fail(disposition::overloaded, "Too many connections of this account are open. Close some browser tabs.");
  if (!who && anonymous_ >= options_.anonymous_connections)
    fail(disposition::overloaded, "The server is busy. Sign in, then try again.");

  session_owner owner;
  if (who) owner = {who->id(), who->session_hash};
  auto begin = [this, owner = std::move(owner),
                hello = hello_text(who)](std::unique_ptr<net::websocket> socket) mutable {
    return serve(std::move(socket), std::move(owner), std::move(hello));
  };
  co_await net::serve_websocket(e, options_.socket, std::move(begin));
}

rt::task<void> hub::serve(std::unique_ptr<net::websocket> socket, session_owner owner, std::string hello) {
  struct left {
    hub& h;
    bool anonymous;
    left(hub& of, bool a) : h(of), anonymous(a) { h.anonymous_ += anonymous; }
    ~left() {
      h.anonymous_ -= anonymous;
      h.client_gone_.notify_all();
    }
  };
  const left mark(*this, !owner.account_id);
  connection c(parts_, std::move(socket), std::move(owner));
  if (draining_) c.move();
  co_await c.run(std::move(hello));
}

rt::task<void> hub::watch_sessions() {
  for (;;) {
    co_await rt::sleep_for(std::chrono::milliseconds(500));
    clients_.end_expired(domain::now());
    if (feed_.connected() || clients_.size() == 0) continue;
    try {
      const auto hashes = clients_.session_hashes();
      if (hashes.empty()) continue;
      const auto valid = co_await store::sessions(pool_).still_valid(hashes);
      for (std::size_t i = 0; i < hashes.size(); ++i)
        if (!valid[i]) clients_.end_session(hashes[i]);
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("sessions could not be checked", {{"error", f.error()}});
    }
  }
}

rt::task<void> hub::drain(rt::duration limit) {
  draining_ = true;
  clients_.move_all();
  co_await rt::in_time(limit, wait_empty());
}

rt::task<void> hub::wait_empty() {
  while (clients_.size() > 0) co_await client_gone_.wait();
}

void hub::publish_metrics() const {
  static auto& all = metrics::get_gauge("atrium_hub_websocket_send_queue_bytes", "Bytes that browsers have not taken");
  static auto& most = metrics::get_gauge("atrium_hub_websocket_longest_send_queue_bytes",
                                         "Bytes that the browser furthest behind has not taken");
  const auto [sum, longest] = clients_.queued_bytes();
  all.set(static_cast<std::int64_t>(sum));
  most.set(static_cast<std::int64_t>(longest));
}

void hub::check_ready() const {
  if (!feed_.connected()) fail(disposition::disconnected, "The database's changes do not arrive at the moment.");
}

}  // namespace atrium::hub_websocket
