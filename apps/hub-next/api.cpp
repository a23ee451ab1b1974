// The frame around every call of /api/v2.
#include "apps/hub-next/api.hpp"

#include <algorithm>

#include "apps/domain/version.hpp"
#include "apps/hub-next/handlers.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::hub_next {

namespace {

constexpr std::size_t body_limit = 8u << 20;

std::vector<const endpoint*> all_endpoints() {
  std::vector<const endpoint*> out;
  for (const auto group : {auth_endpoints(), project_endpoints(), query_endpoints()})
    for (const auto& e : group) out.push_back(&e);
  return out;
}

const endpoint* find_endpoint(std::string_view name) {
  static const auto all = all_endpoints();
  const auto at = std::find_if(all.begin(), all.end(), [&](const endpoint* e) { return e->name == name; });
  return at == all.end() ? nullptr : *at;
}

json::object query_parameters(const net::request& request) {
  json::object out;
  for (const auto& [name, value] : net::parse_form(request.query())) out.emplace(name, value);
  return out;
}

json::object parse_body(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return {};
  json::error_code problem;
  json::parse_options options;
  options.max_depth = 32;
  auto value = json::parse(text, problem, {}, options);
  if (problem || !value.is_object()) fail(disposition::invalid, "The body of the request is not a JSON object.");
  return std::move(value.get_object());
}

rt::task<void> answer(net::exchange& x, unsigned status, const json::value& value,
                      std::vector<std::string> cookies = {}) {
  auto response = net::response::json(status, json::serialize(value));
  for (auto& c : cookies) response.headers.add("Set-Cookie", std::move(c));
  guard(response, secure(x));
  co_await x.respond(std::move(response));
}

json::object error_value(const error& e) {
  json::object out{{"error", e.public_text()}};
  if (const auto traced = trace::current()) out["trace"] = traced.text();
  if (e.code().starts_with("field."))
    out["issues"] = json::object{{std::string_view(e.code()).substr(6), e.public_text()}};
  return out;
}

/// Reads, authenticates and runs; gives the answer's value, or that of what went wrong.
rt::task<json::value> perform(const endpoint& e, call& c, bool by_get) {
  std::exception_ptr failed;
  try {
    c.in = arguments(by_get ? query_parameters(c.exchange.request())
                            : parse_body(co_await c.exchange.body().text(body_limit)));
    c.who = co_await operations::auth(c.site.pool).authenticate(c.exchange.request());
    if (!e.anonymous) c.identity();
    co_return co_await e.run(c);
  } catch (...) {
    failed = std::current_exception();
  }
  const auto problem = error_of(failed);
  const auto d = problem.disposition();
  if (d == disposition::cancelled) std::rethrow_exception(failed);
  // Too large a body: the connection's framing is at stake, so the server answers.
  if (problem.code().starts_with("http.")) std::rethrow_exception(failed);
  const bool ours = d == disposition::failed || d == disposition::disconnected;
  log::write(ours ? log::level::warn : log::level::info, "call failed", {{"call", e.name}, {"error", problem}});
  if (problem.code().starts_with("pg.") && http_status(d) >= 500 && d != disposition::failed) c.status = 503;
  co_return error_value(problem);
}

rt::task<void> handle(net::exchange& x, site& s) {
  static auto& calls = metrics::get_counter("atrium_hub_next_api_calls_total", "calls of /api/v2");
  const auto* e = find_endpoint(x.parameter("call"));
  if (!e) {
    co_await answer(x, 404, {{"error", "There is no such call. GET /api/v2 lists all."}});
    co_return;
  }
  calls.add();
  const auto& request = x.request();
  const bool by_get = request.method == "GET";
  if (request.method != "POST" && !(by_get && e->reads)) {
    auto response = net::response::json(405, R"({"error":"Use POST with a JSON object."})");
    response.headers.set("Allow", e->reads ? "GET, POST" : "POST");
    guard(response, secure(x));
    co_await x.respond(std::move(response));
    co_return;
  }
  // Whoever brings a key of his own was not sent here by a foreign page; with a cookie, or none yet, the page is
  // checked.
  if (!by_get && operations::api_key_of(request).empty() && !operations::same_origin(request)) {
    co_await answer(
        x, 403,
        {{"error", "The request comes from a page of another site, so nothing was done. Use an API key instead."}});
    co_return;
  }
  call c{s, x, arguments({}), std::nullopt};
  const auto value = co_await perform(*e, c, by_get);
  co_await answer(x, c.status, value, std::move(c.set_cookies));
}

rt::task<void> list(net::exchange& x, site& s) {
  const auto accept = x.request().headers.find("Accept");
  if (accept && accept->find("text/html") != std::string_view::npos) {
    std::string text =
        "<h1>The calls of /api/v2</h1><p>Send a JSON object by POST; what only reads takes query parameters by GET "
        "too. Authenticate with the session cookie or an API key: "
        "<code>Authorization: Bearer KEY</code>, or Basic with the key as user and no password. A failure is "
        "<code>{\"error\": \"...\"}</code> with status 200.</p>"
        "<div class=\"scroll\"><table><thead><tr><th>Call</th><th>Parameters</th><th>Answer</th></tr></thead><tbody>";
    for (const auto* e : all_endpoints())
      text += "<tr><td><code>" + html(e->name) + "</code></td><td><code>" + html(e->parameters) +
              "</code></td><td><code>" + html(e->returns) + "</code></td></tr>";
    co_await show(x, s, {"API", text + "</tbody></table></div>"});
    co_return;
  }
  json::array calls;
  for (const auto* e : all_endpoints())
    calls.push_back({{"path", "/api/v2/" + std::string(e->name)},
                     {"methods", e->reads ? json::array{"GET", "POST"} : json::array{"POST"}},
                     {"authentication", e->anonymous ? "none" : "session cookie or API key"},
                     {"parameters", e->parameters},
                     {"returns", e->returns}});
  co_await answer(x, 200, {{"name", "Atrium API"}, {"version", domain::version}, {"endpoints", std::move(calls)}});
}

}  // namespace

void add_api(net::router& router, site& s) {
  router.add("GET", "/api/v2", [&s](net::exchange& x) { return list(x, s); });
  router.add("*", "/api/v2/{call*}", [&s](net::exchange& x) { return handle(x, s); });
}

}  // namespace atrium::hub_next
