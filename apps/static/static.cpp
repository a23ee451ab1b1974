#include "apps/static/static.hpp"

#include <sys/random.h>

#include "apps/service/service.hpp"
#include "apps/static/site.hpp"

namespace atrium::static_files {

namespace {

std::string make_nonce() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    fail(disposition::failed, "There is no randomness to be had.");
  std::string out;
  for (const auto b : bytes) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}

}  // namespace

int run_static(int argc, char** argv) {
  std::string root = "web/dist";
  const auto define = [&](settings& s) { s.add("root", "DIR", "the built browser application", root); };
  return service::run({.name = "static", .summary = "serves the browser application", .define = define}, argc, argv,
                      [&](service::context& c) -> rt::task<void> {
                        const auto& pages = c.make<site>(site::load(root));
                        const auto serve = [&pages](net::exchange& x) {
                          return x.respond(pages.answer(x.request(), x.request().path(), make_nonce()));
                        };
                        c.router().add("GET", "/app", serve);
                        c.router().add("GET", "/app/{path*}", serve);
                        co_await c.serve();
                      });
}

}  // namespace atrium::static_files
