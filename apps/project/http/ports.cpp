#include <charconv>

#include "apps/domain/user_header.hpp"
#include "apps/project/http/handlers.hpp"
#include "atrium/net/proxy.hpp"

namespace atrium::project {

namespace {

std::uint16_t port_of(std::string_view text) {
  std::uint16_t n = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (problem != std::errc() || end != text.data() + text.size() || n == 0)
    fail(disposition::invalid, "The port in the address must be a number from 1 to 65535.");
  return n;
}

/// Everything behind "/server/<n>", at least "/".
std::string without_prefix(std::string_view target) {
  const auto after_word = target.find('/', 1);
  const auto after_port =
      after_word == std::string_view::npos ? after_word : target.find_first_of("/?", after_word + 1);
  if (after_port == std::string_view::npos) return "/";
  const auto rest = target.substr(after_port);
  return rest.front() == '/' ? std::string(rest) : "/" + std::string(rest);
}

}  // namespace

rt::task<void> to_port(net::exchange& e, parts& all, bool keep_path) {
  all.active.touch();
  const auto& r = e.request();
  net::proxy_target t;
  t.to.host = "127.0.0.1";
  t.to.port = port_of(e.parameter("port"));
  const auto prefix = r.headers.find("X-Forwarded-Prefix").value_or("");
  const auto path = keep_path ? std::string(prefix) + r.target : without_prefix(r.target);
  t.target = path;
  // What hubs tell us is not for the user's servers: the secret above all, which would open the whole project.
  static constexpr std::string_view from_hubs[] = {"Authorization", domain::user_header_name, "X-Atrium-Authorization"};
  t.strip_headers = from_hubs;
  if (const auto own = r.headers.find("X-Atrium-Authorization")) t.add.set("Authorization", *own);
  for (const char* name : {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"})
    if (const auto value = r.headers.find(name)) t.add.set(name, *value);
  t.on_bytes = [&all](std::uint64_t to_upstream, std::uint64_t) {
    if (to_upstream > 0) all.active.touch();
  };
  e.allow_body(UINT64_MAX);
  try {
    co_await net::forward(e, all.client, t);
  } catch (const failure& f) {
    if (f.disposition() != disposition::disconnected || e.responded()) throw;
    fail(disposition::disconnected,
         "Nothing answers on port " + std::to_string(t.to.port) +
             " of this project. Start your server, listening on 127.0.0.1, then load this page again.");
  }
}

}  // namespace atrium::project
