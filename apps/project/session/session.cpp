#include "apps/project/session/session.hpp"

#include <boost/json.hpp>

#include "apps/domain/crypto.hpp"
#include "apps/project/collab/digest.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::project {

using namespace std::chrono_literals;

namespace {

metrics::counter& requests_counter() {
  static auto& c = metrics::get_counter("atrium_project_requests_total", "Requests of browsers over their WebSocket");
  return c;
}
metrics::gauge& sessions_gauge() {
  static auto& g = metrics::get_gauge("atrium_project_sessions", "Browsers that are connected");
  return g;
}

}  // namespace

session::session(parts& all, std::unique_ptr<net::websocket> socket, person who)
    : peer(domain::random_token(12), std::move(who)), all_(all), socket_(std::move(socket)) {}

net::websocket_options session::socket_options() {
  net::websocket_options o;
  o.message_bytes = 16u << 20;
  o.send_queue_bytes = 32u << 20;  // a document of 10 MB is one message, and escapes make it longer
  return o;
}

std::string session::color_of(std::string_view account_id) {
  // Dark enough for white text, told apart also with the common colour-vision deficiencies.
  static constexpr const char* colors[] = {"#b3261e", "#8a4b00", "#6b5a00", "#2f6b1f", "#00695c", "#00639b",
                                           "#3457c4", "#6f43c0", "#96359f", "#ad1f6b", "#5d5f66", "#7a4a3a"};
  return colors[static_cast<unsigned char>(content_digest(account_id)[8]) % std::size(colors)];
}

void session::push(std::string json) noexcept {
  if (ending_ || socket_->try_send(false, std::move(json))) return;
  log::info("a browser is too far behind and is cut", {{"session", peer::session()}});
  ending_ = true;
  socket_->abort();
}

rt::task<void> session::send_binary(std::span<const std::byte> frame) { co_await socket_->send_binary(frame); }

void session::end(std::uint16_t code, std::string reason) noexcept {
  if (scope_ && !ending_) scope_->spawn(close_socket(code, std::move(reason)), "session.close");
}

rt::task<void> session::close_socket(std::uint16_t code, std::string reason) { co_await socket_->close(code, reason); }

rt::task<void> session::run() {
  sessions_gauge().add(1);
  push(json_object()
           .text("event", "hello")
           .text("project_id", all_.project_id)
           .raw("user", json())
           .text("session", peer::session())
           .done());
  all_.people.join(*this);
  all_.active.touch();
  std::exception_ptr failed;
  rt::scope tasks(&co_await rt::this_task());
  scope_ = &tasks;
  try {
    co_await receive_all();
  } catch (...) {
    failed = std::current_exception();
  }
  leave_everything();
  tasks.cancel(rt::cancel_reason::disconnected);
  try {
    co_await rt::shield(tasks.join());
  } catch (const failure& f) {
    log::debug("work of a session failed", {{"session", peer::session()}, {"error", f.error()}});
  }
  scope_ = nullptr;
  sessions_gauge().add(-1);
  if (!failed) co_return;
  const auto why = error_of(failed);
  if (why.disposition() == disposition::cancelled) {
    co_await rt::shield(rt::with_timeout(2s, close_socket(1001, "the project stops")));
    std::rethrow_exception(failed);
  }
  if (why.disposition() != disposition::disconnected)
    log::info("a session ended", {{"session", peer::session()}, {"error", why}});
}

void session::leave_everything() noexcept {
  ending_ = true;
  all_.people.leave(*this);
  all_.docs.leave(*this);
  for (auto& [number, c] : channels_) c.of->leave(*c.view);
  watches_.clear();
}

rt::task<void> session::receive_all() {
  while (auto message = co_await socket_->receive()) {
    if (message->binary) {
      take_binary(message->data);
      continue;
    }
    auto next = parse(std::move(message->data));
    if (!next) continue;
    requests_counter().add();
    if (next->what->is_active) all_.active.touch();
    ++requests_;
    if (next->what->in_order) co_await handle(std::move(*next));
    else scope_->spawn(handle(std::move(*next)), "session.request");
  }
}

std::optional<session::request> session::parse(std::string text) {
  boost::json::error_code problem;
  auto parsed = boost::json::parse(without_lone_surrogate_escapes(std::move(text)), problem);
  auto* object = problem ? nullptr : parsed.if_object();
  const auto* id = object ? object->if_contains("id") : nullptr;
  request out;
  out.id = id && (id->is_number() || id->is_string()) ? boost::json::serialize(*id) : "null";
  const auto refuse = [&](disposition what, const char* why) {
    answer_error(out.id, error(what, why));
    return std::nullopt;
  };
  if (out.id == "null") return refuse(disposition::invalid, "A request is a JSON object with \"id\" and \"method\".");
  const auto* name = object->if_contains("method");
  const auto* text_name = name ? name->if_string() : nullptr;
  const auto found = text_name ? methods().find({text_name->data(), text_name->size()}) : methods().end();
  if (found == methods().end()) return refuse(disposition::invalid, "There is no such method.");
  out.what = &found->second;
  out.given = std::make_unique<parameters>();
  if (auto* p = object->if_contains("params"); p && !p->is_null()) {
    if (!p->is_object()) return refuse(disposition::invalid, "\"params\" must be an object.");
    *out.given = std::move(p->get_object());
  }
  if (requests_ >= most_requests)
    return refuse(disposition::overloaded, "Too many requests are running. Wait for their answers.");
  return out;
}

rt::task<void> session::handle(request r) {
  try {
    auto result = co_await (this->*r.what->run)(*r.given);
    push(json_object().raw("id", r.id).raw("result", result).done());
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    answer_error(r.id, f.error());
  } catch (const std::exception& e) {
    log::error("a request failed", {{"session", peer::session()}, {"error", e.what()}});
    answer_error(r.id, error(disposition::failed, "The project server could not do that. Its log says why."));
  }
  --requests_;
}

void session::answer_error(const std::string& id, const error& why) {
  push(json_object()
           .raw("id", id)
           .raw("error",
                json_object().text("code", to_string(why.disposition())).text("message", why.public_text()).done())
           .done());
}

}  // namespace atrium::project
