#include "apps/hub-next/page.hpp"

#include "apps/domain/crypto.hpp"
#include "apps/domain/version.hpp"
#include "apps/hub-next/style.hpp"

namespace atrium::hub_next {

namespace {

// The same mark as the application's icon.
constexpr std::string_view mark =
    "<svg viewBox=\"0 0 32 32\" aria-hidden=\"true\"><rect width=\"32\" height=\"32\" rx=\"8\" fill=\"#4a4fd0\"/>"
    "<path d=\"M8 24V14a8 8 0 0 1 16 0v10\" fill=\"none\" stroke=\"#fff\" stroke-width=\"3\" stroke-linecap=\"round\"/>"
    "<path d=\"M13.5 24v-9a2.5 2.5 0 0 1 5 0v9z\" fill=\"#fff\"/></svg>";

}  // namespace

std::string html(std::string_view text) { return net::escape_html(text); }

void guard(net::response& r, bool secure) {
  r.headers.set("X-Content-Type-Options", "nosniff");
  r.headers.set("X-Frame-Options", "DENY");
  // Not "no-referrer": that would turn the Origin of our own forms into "null".
  r.headers.set("Referrer-Policy", "same-origin");
  r.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  r.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  r.headers.set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
  if (!r.headers.contains("Cache-Control")) r.headers.set("Cache-Control", "no-store");
  if (!r.headers.contains("Content-Security-Policy"))
    r.headers.set("Content-Security-Policy",
                  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
  if (secure) r.headers.set("Strict-Transport-Security", "max-age=31536000");
}

net::response render(const page& p, const brand& b, bool secure) {
  const auto nonce = domain::random_token(22);
  const auto name = html(b.name);
  std::string out;
  out.reserve(16 * 1024);
  out += "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  out += p.title.empty() ? name : html(p.title) + " - " + name;
  out +=
      "</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/app/icon.svg\"><style nonce=\"" +
      nonce + "\">";
  out += style_sheet;
  out +=
      "</style></head><body><a class=\"skip\" href=\"#main\">Skip to the content</a><header><a class=\"brand\" "
      "href=\"/\">";
  out += mark;
  out += name +
         "</a><nav aria-label=\"Site\"><a href=\"/info\">About</a><a href=\"/auth/sign-in\">Sign "
         "in</a></nav></header><main id=\"main\">";
  out += p.main;
  out +=
      "</main><footer><nav aria-label=\"Policies\"><a href=\"/policies/terms\">Terms</a>&emsp;<a "
      "href=\"/policies/privacy\">Privacy</a>&emsp;"
      "<a href=\"/policies/accessibility\">Accessibility</a>&emsp;<a "
      "href=\"/policies/imprint\">Imprint</a></nav><span>Atrium ";
  out += html(domain::version);
  out += "</span></footer>";
  if (!p.script.empty()) out += "<script nonce=\"" + nonce + "\">" + p.script + "</script>";
  out += "</body></html>";
  auto response = net::response::html(p.status, std::move(out));
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'nonce-" + nonce + "'; script-src 'nonce-" + nonce +
                           "'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
  guard(response, secure);
  return response;
}

}  // namespace atrium::hub_next
