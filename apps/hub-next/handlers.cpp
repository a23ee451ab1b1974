#include "apps/hub-next/handlers.hpp"

#include "atrium/base/log.hpp"

namespace atrium::hub_next {

rt::task<brand> brand_of(site& s) {
  try {
    const auto name = co_await store::server_settings(s.pool).get("site_name");
    if (name && !name->empty()) co_return brand{*name};
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::warn("site name not read", {{"error", f.error()}});
  }
  co_return brand{};
}

rt::task<void> show(net::exchange& x, site& s, page p) {
  const auto name = co_await brand_of(s);
  co_await x.respond(render(p, name, secure(x)));
}

namespace {

rt::task<void> show_failures(net::exchange& x, site& s, page_function run) {
  std::optional<error> problem;
  try {
    co_await run(x, s);
    co_return;
  } catch (const failure& f) {
    // Cancelled, too late to answer, or about the framing of the request: the server's business.
    if (f.disposition() == disposition::cancelled || x.responded() || f.error().code().starts_with("http.")) throw;
    problem = f.error();
  }
  log::warn("page failed", {{"path", x.request().path()}, {"error", *problem}});
  co_await show(x, s,
                {"Not now",
                 "<div class=\"narrow\"><h1>This did not work</h1><p class=\"alert\" role=\"alert\">" +
                     html(problem->public_text()) +
                     "</p><p>Go back and try again, or start at the <a href=\"/\">start page</a>.</p></div>",
                 {},
                 http_status(problem->disposition())});
}

}  // namespace

net::handler on_page(site& s, page_function run) {
  return [&s, run](net::exchange& x) { return show_failures(x, s, run); };
}

rt::task<void> go(net::exchange& x, std::string path, std::string cookie) {
  auto response = net::response::redirect(std::move(path));
  if (!cookie.empty()) response.headers.add("Set-Cookie", std::move(cookie));
  guard(response, secure(x));
  co_await x.respond(std::move(response));
}

}  // namespace atrium::hub_next
