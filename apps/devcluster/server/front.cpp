#include "apps/devcluster/server/front.hpp"

#include "apps/devcluster/api/table.hpp"
#include "apps/domain/crypto.hpp"
#include "apps/service/service.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::devcluster {

namespace {

constexpr std::size_t largest_body = 3u << 20, batch_bytes = 64u << 10;
constexpr auto bookmark_interval = std::chrono::seconds(30);

metrics::counter& requests_total() {
  static auto& counter = metrics::get_counter("atrium_devcluster_requests_total", "Requests to the Kubernetes API");
  return counter;
}

metrics::gauge& watches_now() {
  static auto& gauge = metrics::get_gauge("atrium_devcluster_watches", "Open watches");
  return gauge;
}

/// Tells of a request when it is over. Most come from watches, leases and probes: only what somebody's action changes
/// is told without being asked.
class told {
 public:
  explicit told(const net::exchange& ex) noexcept : ex_(ex) {}
  ~told() {
    const auto& r = ex_.request();
    const bool action = r.headers.contains("traceparent") && r.method != "GET";
    service::record_request(action ? log::level::info : log::level::debug, r, ex_.status(),
                            std::chrono::duration<double>(rt::clock::now() - began_).count());
  }

 private:
  const net::exchange& ex_;
  rt::time_point began_ = rt::clock::now();
};

net::response json_response(unsigned status, std::string body) {
  net::response r{.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
  r.headers.add("Cache-Control", "no-cache, private");
  return r;
}

std::string event_line(const watch_plan& plan, std::string_view event, const object_ptr& object) {
  if (!plan.table) return watch_line(event, object->text());
  return watch_line(event, table_text(object->type(), std::span(&object, 1), std::to_string(object->revision()), "",
                                      "Metadata", std::chrono::system_clock::now()));
}

}  // namespace

rt::task<void> respond_status(net::exchange& ex, const error& e) {
  auto answer = failure_answer(e);
  co_await ex.respond(json_response(answer.status, std::move(answer.body)));
}

front::front(api& requests, object_store& store, std::string token, pod_calls* calls)
    : requests_(requests), store_(store), token_(std::move(token)), calls_(calls) {
  store_.on_change([this](const change&) { changed_.notify_all(); });
}

void front::drain() noexcept {
  draining_ = true;
  changed_.notify_all();
}

bool front::signed_in(const net::request& request) const noexcept {
  const auto header = request.headers.find("Authorization").value_or("");
  return net::equal_nocase(header.substr(0, 7), "Bearer ") && domain::equal_in_constant_time(header.substr(7), token_);
}

rt::task<void> front::operator()(net::exchange& ex) {
  requests_total().add();
  const told record(ex);
  std::optional<error> refused;
  try {
    co_await serve(ex);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled || ex.responded()) throw;
    refused = f.error();
  }
  if (!refused) co_return;
  if (status_of_reason(reason_of(*refused)) >= 500)
    log::error("request failed", {{"path", ex.request().path()}, {"error", *refused}});
  co_await respond_status(ex, *refused);
}

rt::task<void> front::serve(net::exchange& ex) {
  const auto& request = ex.request();
  const auto path = request.path();
  if (path == "/livez" || path == "/readyz" || path == "/healthz") {
    co_await ex.respond(net::response::text(200, "ok"));
    co_return;
  }
  if (!signed_in(request)) {
    co_await respond_status(
        ex, api_error("Unauthorized", "Unauthorized: send the token of the kubeconfig file that devcluster wrote."));
    co_return;
  }
  api_request call{.method = request.method,
                   .path = std::string(path),
                   .query = net::parse_form(request.query()),
                   .accept = std::string(request.headers.find("Accept").value_or("")),
                   .content_type = std::string(request.headers.find("Content-Type").value_or("")),
                   .body = {}};
  const bool upgrade = request.headers.has_token("Connection", "upgrade");
  if (!upgrade) {
    ex.allow_body(largest_body);
    try {
      call.body = co_await ex.body().text(largest_body);
    } catch (const failure& f) {
      if (f.disposition() != disposition::overloaded) throw;
      throw failure(api_error("RequestEntityTooLarge", "Request entity too large: limit is 3145728 bytes."));
    }
  }
  auto done = requests_.handle(call);
  if (auto* answer = std::get_if<api_answer>(&done)) {
    auto response = json_response(answer->status, std::move(answer->body));
    response.headers.set("Content-Type", answer->content_type);
    for (const auto& warning : answer->warnings) {
      std::string quoted;
      for (const char c : warning) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
      }
      response.headers.add("Warning", "299 - \"" + quoted + "\"");
    }
    co_await ex.respond(std::move(response));
  } else if (auto* plan = std::get_if<watch_plan>(&done)) {
    co_await stream_watch(ex, *plan);
  } else if (calls_) {
    co_await calls_->serve(ex, std::get<pod_call>(done));
  } else {
    throw failure(api_error("ServiceUnavailable", "No node runs pods here: devcluster was started with --no-agent."));
  }
}

rt::task<void> front::stream_watch(net::exchange& ex, const watch_plan& plan) {
  struct counted {
    counted() { watches_now().add(1); }
    ~counted() { watches_now().add(-1); }
  } counted_here;
  // What exists is collected before the first await, so that it and `since` belong together.
  std::vector<object_ptr> existing;
  if (plan.initial) {
    auto page = store_.list(*plan.type, plan.name_space, plan.which);
    if (!page) throw failure(page.error());
    existing = std::move(page->items);
  }
  auto writer =
      co_await ex.start({.status = 200,
                         .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, private"}},
                         .body = {}});
  std::string batch;
  for (const auto& object : existing) {
    batch += event_line(plan, "ADDED", object);
    if (batch.size() >= batch_bytes) co_await writer->write(std::exchange(batch, {}));
  }
  existing.clear();
  if (plan.initial_marker) batch += bookmark_line(*plan.type, plan.since, true);
  bool gone = false;
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn(notice_leaving(ex, gone), "watch client");
    co_await send_changes(*writer, plan, std::move(batch), gone);
    s.cancel(rt::cancel_reason::requested);
  });
  if (!gone) co_await writer->finish();
}

rt::task<void> front::notice_leaving(net::exchange& ex, bool& gone) {
  co_await ex.peer_gone();
  gone = true;
  changed_.notify_all();
}

rt::task<void> front::send_changes(net::body_writer& to, const watch_plan& plan, std::string batch, const bool& gone) {
  revision position = plan.since;
  const auto deadline = rt::loop::current().now() + plan.timeout;
  auto next_bookmark = rt::loop::current().now() + bookmark_interval;
  bool expired = false;
  while (!draining_ && !gone) {
    if (position < store_.window_start()) {
      batch += watch_line(
          "ERROR", failure_text(api_error("Expired", "too old resource version: " + std::to_string(position) + " (" +
                                                         std::to_string(store_.window_start()) + ")")));
      expired = true;
      break;
    }
    const change* c = store_.next_change(position);
    for (; c && batch.size() < batch_bytes; c = store_.next_change(position)) {
      position = c->at();
      if (&c->now->type() != plan.type || (!plan.name_space.empty() && c->now->name_space() != plan.name_space))
        continue;
      const bool was = c->before && plan.which.matches(c->before->value());
      const bool is = c->what != change_kind::deleted && plan.which.matches(c->now->value());
      if (is) batch += event_line(plan, was ? "MODIFIED" : "ADDED", c->now);
      else if (was) batch += event_line(plan, "DELETED", c->now);
    }
    const auto now = rt::loop::current().now();
    if (!c && plan.bookmarks && now >= next_bookmark) {
      batch += bookmark_line(*plan.type, position, false);
      next_bookmark = now + bookmark_interval;
    }
    if (!batch.empty()) {
      co_await to.write(std::exchange(batch, {}));
      continue;
    }
    if (now >= deadline) break;
    co_await changed_.wait_for((plan.bookmarks ? std::min(deadline, next_bookmark) : deadline) - now);
  }
  if (gone) co_return;
  if (plan.bookmarks && !draining_ && !expired) batch += bookmark_line(*plan.type, position, false);
  if (!batch.empty()) co_await to.write(batch);
}

}  // namespace atrium::devcluster
