#include "apps/hub-proxy/content.hpp"

#include <charconv>

#include "apps/operations/auth.hpp"

namespace atrium::hub_proxy {

namespace {

using domain::content_pass;
using domain::content_place;

constexpr std::chrono::seconds entrance_lifetime{60};
constexpr std::chrono::hours stay_lifetime{24 * 7};  // the session itself is checked at every request
constexpr std::size_t passes = 4;

[[noreturn]] void no_pass() {
  fail(disposition::unauthenticated, "You are not signed in at this address. Open it again from the project.");
}

/// Path and query behind the first `segments` segments of a target, at least "/".
std::string rest_of(std::string_view target, int segments) {
  std::size_t at = 0;
  while (segments-- > 0 && at != std::string_view::npos) at = target.find_first_of("/?", at + 1);
  if (at == std::string_view::npos) return "/";
  const auto rest = target.substr(at);
  return rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
}

std::optional<std::uint16_t> port_in(std::string_view target) {
  const auto from = target.find('/', 1);
  if (from == std::string_view::npos) return std::nullopt;
  const auto text = target.substr(from + 1, target.find_first_of("/?", from + 1) - from - 1);
  std::uint16_t n = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (problem != std::errc() || end != text.data() + text.size() || n == 0) return std::nullopt;
  return n;
}

/// The browser's own address for a host, with the port that it used for us.
std::string address_of(const net::request& r, const content_place& place, std::string_view content_host) {
  const auto host = r.headers.find("X-Forwarded-Host").value_or(r.headers.find("Host").value_or(""));
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  return std::string(operations::came_by_tls(r) ? "https://" : "http://") +
         domain::content_host_name(place, content_host) + (has_port ? std::string(host.substr(colon)) : "");
}

}  // namespace

std::string content_target(const content_place& place, std::string_view target) {
  return (place.port == 0 ? "/raw" : "/proxy/" + std::to_string(place.port)) + std::string(target);
}

route content_route(const content_place& place, std::string_view inside) {
  return {.project = place.project,
          .kind = place.port == 0 ? destination::raw : destination::proxy,
          .target = inside,
          .content = place};
}

std::vector<credential> content_credentials(const net::request& r, const content_place& place) {
  if (!operations::api_key_of(r).empty()) return credentials_of(r);
  std::vector<credential> out;
  for (const auto value : r.cookies(domain::content_cookie_name)) {
    const auto pass = domain::read_content_pass(value);
    if (pass && pass->place == place && out.size() < passes)
      out.push_back({.session = true, .hash = pass->session_hash, .key_id = 0});
  }
  return out;
}

bool holds_pass(const net::request& r, const content_place& place, const grant& g) {
  for (const auto value : r.cookies(domain::content_cookie_name)) {
    const auto pass = domain::verify_content_pass(value, g.access().secret_token, domain::now());
    if (pass && pass->purpose == content_pass::use::stay && pass->place == place &&
        pass->session_hash == g.credential.hash)
      return true;
  }
  return false;
}

std::optional<content_address> content_address_of(const route& to, const net::request& r) {
  using enum destination;
  if (to.content) return std::nullopt;
  if (to.kind == raw && is_navigation(r)) return content_address{{to.project, 0}, rest_of(to.target, 1)};
  if (to.kind != port && to.kind != server && to.kind != proxy) return std::nullopt;
  const auto n = port_in(to.target);
  if (!n) return std::nullopt;  // the project says what is wrong with it
  return content_address{{to.project, *n}, rest_of(to.target, 2)};
}

net::response send_to_content(const net::request& r, const content_address& to, const grant& g,
                              std::string_view content_host) {
  const auto host = r.headers.find("X-Forwarded-Host").value_or(r.headers.find("Host").value_or(""));
  if (!domain::reaches_content_host(host, content_host))
    fail(disposition::invalid,
         "Pages of projects are shown under a host name of their own, and this site has one for its own machine only. "
         "The administrator sets another by ATRIUM_CONTENT_HOST.");
  const auto address = address_of(r, to.place, content_host);
  if (!is_navigation(r)) fail(disposition::denied, "Ports of projects have an address of their own: " + address + "/");
  const content_pass pass{.place = to.place,
                          .session_hash = g.credential.hash,
                          .purpose = content_pass::use::enter,
                          .expires = domain::now() + entrance_lifetime};
  auto answer = net::response::redirect(address + std::string(domain::content_entrance) +
                                        "?pass=" + domain::sign_content_pass(pass, g.access().secret_token) +
                                        "&to=" + net::percent_encode(to.target));
  answer.headers.set("Referrer-Policy", "no-referrer");
  answer.headers.set("Cache-Control", "no-store");
  return answer;
}

rt::task<net::response> enter_content(const net::request& r, content_place place, grants& all) {
  const auto value = r.query_value("pass").value_or("");
  const auto said = domain::read_content_pass(value);
  if (!said || said->place != place) no_pass();
  const credential session{.session = true, .hash = said->session_hash, .key_id = 0};
  auto g = co_await all.find(r, {&session, 1}, place.project);
  const auto pass = domain::verify_content_pass(value, g->access().secret_token, domain::now());
  if (!pass || pass->purpose != content_pass::use::enter) no_pass();
  auto to = r.query_value("to").value_or("/");
  // An address of this host alone: "//other" and "/\other" would be another's.
  const bool ours = to.starts_with('/') && !to.starts_with("//") && to.find_first_of("\\\r\n\t") == std::string::npos;
  auto answer = net::response::redirect(ours ? to : "/");
  const content_pass stay{.place = place, .session_hash = pass->session_hash, .expires = domain::now() + stay_lifetime};
  answer.headers.set("Set-Cookie",
                     std::string(domain::content_cookie_name) + "=" +
                         domain::sign_content_pass(stay, g->access().secret_token) +
                         "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" +
                         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(stay_lifetime).count()) +
                         (operations::came_by_tls(r) ? "; Secure" : ""));
  answer.headers.set("Referrer-Policy", "no-referrer");
  answer.headers.set("Cache-Control", "no-store");
  co_return answer;
}

}  // namespace atrium::hub_proxy
