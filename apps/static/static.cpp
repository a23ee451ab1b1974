#include "apps/static/static.hpp"

#include "apps/domain/crypto.hpp"
#include "apps/service/service.hpp"
#include "apps/static/site.hpp"

namespace atrium::static_files {

int run_static(int argc, char** argv) {
  std::string root = "web/dist";
  const auto define = [&](settings& s) { s.add("root", "DIR", "the built browser application", root); };
  return service::run({.name = "static", .summary = "serves the browser application", .define = define}, argc, argv,
                      [&](service::context& c) -> rt::task<void> {
                        const auto& pages = c.make<site>(site::load(root));
                        const auto serve = [&pages](net::exchange& x) {
                          return x.respond(pages.answer(x.request(), x.request().path(), domain::random_token(22)));
                        };
                        c.router().add("GET", "/app", serve);
                        c.router().add("GET", "/app/{path*}", serve);
                        co_await c.serve();
                      });
}

}  // namespace atrium::static_files
