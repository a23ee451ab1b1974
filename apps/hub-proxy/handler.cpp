#include "apps/hub-proxy/handler.hpp"

#include "apps/domain/credentials.hpp"
#include "apps/domain/user_header.hpp"
#include "apps/hub-proxy/answers.hpp"
#include "apps/hub-proxy/content.hpp"
#include "atrium/base/log.hpp"
#include "atrium/net/proxy.hpp"

namespace atrium::hub_proxy {

namespace {

/// Cookies that are the hubs' own: ours, and those of the system whose database may have been adopted.
constexpr std::string_view hub_cookies[] = {domain::session_cookie_name,
                                            domain::content_cookie_name,
                                            "remember_me",
                                            "api_key",
                                            "account_id",
                                            "hub_password",
                                            "project_secret"};

/// How the edge in front of us saw the request.
void add_forwarding(net::headers& to, const net::exchange& e) {
  const auto& r = e.request();
  const auto client = operations::client_address(r, e.peer_address());
  to.add("X-Forwarded-For", client.empty() ? "127.0.0.1" : client);
  to.add("X-Forwarded-Proto", operations::came_by_tls(r) || e.secure() ? "https" : "http");
  auto host = r.headers.find("X-Forwarded-Host");
  if (!host) host = r.headers.find("Host");
  if (host) to.add("X-Forwarded-Host", *host);
}

/// The application's own credentials, for what listens inside the project: Authorization is taken by the project's
/// secret.
constexpr std::string_view own_authorization = "X-Atrium-Authorization";
constexpr std::string_view never_from_clients[] = {own_authorization, "X-Forwarded-Prefix"};

net::proxy_target target_of(const route& to, grant& g, const net::exchange& e) {
  const auto& r = e.request();
  net::proxy_target t;
  t.to = *g.pod();
  t.target = to.target;
  add_forwarding(t.add, e);
  if (!to.content) t.add.add("X-Forwarded-Prefix", "/" + to.project.str());
  t.add.add("Authorization", g.authorization());
  t.add.add(domain::user_header_name, g.signed_user(domain::now()));
  if (const auto own = r.headers.find("Authorization"); own && operations::api_key_of(r).empty())
    t.add.add(own_authorization, *own);
  t.strip_headers = never_from_clients;
  t.strip_cookies = t.refuse_set_cookies = hub_cookies;
  const bool files = to.kind == destination::files || to.kind == destination::raw;
  t.adjust_answer = [files, apart = to.content.has_value()](unsigned status, net::headers& h) {
    guard_origin(h);
    if (files && status != 101) guard_content(h, apart);
  };
  return t;
}

/// Whether they may ask in this way.
void check_manner(const net::request& r, const route& to, bool by_session) {
  if (!origin_allowed(r, by_session))
    fail(disposition::denied, "This request came from a page of another site, so it was not passed on to the project.");
  if (to.content && to.content->port == 0 && r.method != "GET" && r.method != "HEAD")
    fail(disposition::denied, "At this address files are only read.");
}

rt::task<std::optional<obstacle>> pass(net::exchange& e, const route& to, grants& all, net::http_client& client,
                                       std::string_view content_host) {
  const auto& r = e.request();
  const auto credentials = to.content ? content_credentials(r, *to.content) : credentials_of(r);
  const bool by_session = credentials.empty() || credentials[0].session;
  check_manner(r, to, by_session);
  auto g = all.cached(credentials, to.project);
  if (!g) g = co_await all.find(r, credentials, to.project);
  if (to.content && by_session && !holds_pass(r, *to.content, *g))
    fail(disposition::unauthenticated, "You are not signed in at this address. Open it again from the project.");
  if (auto in_the_way = obstacle_of(g->access().state, to.project)) co_return in_the_way;
  if (!g->pod()) co_return no_answer(to.project);
  all.touch(*g);
  if (g->credential.session && !content_host.empty()) {
    if (const auto apart = content_address_of(to, r)) {
      co_await e.respond(send_to_content(r, *apart, *g, content_host));
      co_return std::nullopt;
    }
  }

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

obstacle nowhere(bool content) {
  obstacle o{.status = 404, .title = "There is nothing here", .message = "This is not an address of a project."};
  if (content) return o;
  o.link = "/app/";
  o.link_text = "Your projects";
  return o;
}

}  // namespace

rt::task<void> handle(net::exchange& e, grants& all, net::http_client& to_projects, std::string_view content_host) {
  const auto& r = e.request();
  const bool navigation = is_navigation(r);
  const auto host = r.headers.find("Host").value_or("");
  const bool content = domain::is_content_host(host, content_host);
  const auto place = domain::parse_content_host(host, content_host);
  const std::string inside = place ? content_target(*place, r.target) : std::string();
  const auto to = place ? std::optional(content_route(*place, inside)) : content ? std::nullopt : parse_route(r.target);
  if (!to) co_return co_await e.respond(to_response(nowhere(content), navigation));
  std::optional<obstacle> in_the_way;
  try {
    if (to->content && r.path() == domain::content_entrance)
      co_return co_await e.respond(co_await enter_content(r, *to->content, all));
    in_the_way = co_await pass(e, *to, all, to_projects, content_host);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled || e.responded()) throw;
    // What the HTTP layer says about the request itself (too large, malformed) stays as it is.
    if (f.error().code().starts_with("http.")) throw;
    in_the_way = obstacle_of(f.error(), to->project);
    if (f.disposition() == disposition::failed) log::warn("request into a project failed", {{"error", f.error()}});
  }
  if (!in_the_way) co_return;
  if (content) in_the_way->link.clear();  // those lead into the application, which is at another origin
  co_await e.respond(to_response(*in_the_way, navigation));
}

}  // namespace atrium::hub_proxy
