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

rt::task<void> go(net::exchange& x, std::string path, std::string cookie) {
  auto response = net::response::redirect(std::move(path));
  if (!cookie.empty()) response.headers.add("Set-Cookie", std::move(cookie));
  guard(response, secure(x));
  co_await x.respond(std::move(response));
}

}  // namespace atrium::hub_next
