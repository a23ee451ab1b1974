#include "apps/hub-proxy/handler.hpp"

#include "apps/domain/credentials.hpp"
#include "apps/domain/user_header.hpp"
#include "apps/hub-proxy/answers.hpp"
#include "atrium/base/log.hpp"
#include "atrium/net/proxy.hpp"

namespace atrium::hub_proxy {

namespace {

/// Cookies that are the hubs' own: ours, and those of the system whose database may have been adopted.
constexpr std::string_view hub_cookies[] = {
    domain::session_cookie_name, "remember_me", "api_key", "account_id", "hub_password", "project_secret"};

/// How the edge in front of us saw the request.
void add_forwarding(net::headers& to, const net::exchange& e) {
  const auto& r = e.request();
  const auto client = operations::client_address(r, e.peer_address());
  to.set("X-Forwarded-For", client.empty() ? "127.0.0.1" : client);
  to.set("X-Forwarded-Proto", operations::came_by_tls(r) || e.secure() ? "https" : "http");
  auto host = r.headers.find("X-Forwarded-Host");
  if (!host) host = r.headers.find("Host");
  if (host) to.set("X-Forwarded-Host", *host);
}

/// The application's own credentials, for what listens inside the project: Authorization is taken by the project's
/// secret.
constexpr std::string_view own_authorization = "X-Atrium-Authorization";
constexpr std::string_view never_from_clients[] = {own_authorization};

net::proxy_target target_of(const route& to, grant& g, const net::exchange& e) {
  const auto& r = e.request();
  net::proxy_target t;
  t.to = *g.pod();
  t.target = to.target;
  add_forwarding(t.add, e);
  t.add.set("X-Forwarded-Prefix", "/" + to.project.str());
  t.add.set("Authorization", g.authorization());
  t.add.set(domain::user_header_name, g.signed_user(domain::now()));
  if (const auto own = r.headers.find("Authorization"); own && api_key_of(r).empty())
    t.add.set(own_authorization, *own);
  t.strip_headers = never_from_clients;
  t.strip_cookies = t.refuse_set_cookies = hub_cookies;
  const bool content = to.kind == destination::files || to.kind == destination::raw;
  t.adjust_answer = [content](unsigned status, net::headers& h) {
    guard_origin(h);
    if (content && status != 101) guard_content(h);
  };
  return t;
}

rt::task<std::optional<obstacle>> pass(net::exchange& e, const route& to, grants& all, net::http_client& client) {
  const auto& r = e.request();
  const auto credentials = credentials_of(r);
  if (!origin_allowed(r, credentials.empty() || credentials[0].session))
    fail(disposition::denied, "This request came from a page of another site, so it was not passed on to the project.");
  auto g = all.cached(credentials, to.project);
  if (!g) g = co_await all.find(r, credentials, to.project);
  if (auto in_the_way = obstacle_of(g->access().state, to.project)) co_return in_the_way;
  if (!g->pod()) co_return no_answer(to.project);
  all.touch(*g);

  const auto target = target_of(to, *g, e);
  e.allow_body(UINT64_MAX);
  rt::cancel_region region(co_await rt::this_task());
  grant::use use(g, region, wants_websocket(r));
  std::optional<error> failed;
  try {
    co_await net::forward(e, client, target);
  } catch (const failure& f) {
    if (region.fired()) failed = error(disposition::not_found, "Your access to this project has ended.");
    else if (f.disposition() == disposition::cancelled) throw;
    else failed = f.error();
  }
  if (!failed) co_return std::nullopt;
  const bool gone =
      failed->disposition() == disposition::disconnected || failed->disposition() == disposition::timed_out;
  if (gone && !region.fired()) g->stale = true;  // perhaps the project runs elsewhere by now
  if (e.responded() || !gone) throw failure(*failed);
  log::debug("a project did not answer", {{"project_id", to.project.view()}, {"error", *failed}});
  co_return no_answer(to.project);
}

}  // namespace

rt::task<void> handle(net::exchange& e, grants& all, net::http_client& to_projects) {
  const bool navigation = is_navigation(e.request());
  const auto to = parse_route(e.request().target);
  if (!to) {
    const obstacle nowhere{.status = 404,
                           .title = "There is nothing here",
                           .message = "This is not an address of a project.",
                           .link = "/app/",
                           .link_text = "Your projects"};
    co_await e.respond(to_response(nowhere, navigation));
    co_return;
  }
  std::optional<obstacle> in_the_way;
  try {
    in_the_way = co_await pass(e, *to, all, to_projects);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled || e.responded()) throw;
    // What the HTTP layer says about the request itself (too large, malformed) stays as it is.
    if (f.error().code().starts_with("http.")) throw;
    in_the_way = obstacle_of(f.error(), to->project);
    if (f.disposition() == disposition::failed) log::warn("request into a project failed", {{"error", f.error()}});
  }
  if (in_the_way) co_await e.respond(to_response(*in_the_way, navigation));
}

}  // namespace atrium::hub_proxy
