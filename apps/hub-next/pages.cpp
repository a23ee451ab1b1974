// Landing page, information and policies.
#include <algorithm>

#include "apps/domain/version.hpp"
#include "apps/hub-next/forms.hpp"
#include "apps/hub-next/handlers.hpp"
#include "apps/hub-next/policies.hpp"
#include "apps/hub-next/style.hpp"
#include "apps/store/accounts.hpp"

namespace atrium::hub_next {

namespace {

constexpr std::string_view tick =
    "<svg viewBox=\"0 0 18 18\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" aria-hidden=\"true\"><path "
    "d=\"M3 9.5l4 4 8-9\"/></svg>";

std::string fact(std::string_view what, std::string_view how) {
  return "<li>" + std::string(tick) + "<div><b>" + std::string(what) + "</b> <span>" + std::string(how) +
         "</span></div></li>";
}

std::string landing(bool first) {
  return "<div class=\"hero\"><section class=\"intro\"><h1>Work together in Linux projects, from the browser.</h1>"
         "<p class=\"lead\">Terminals, files and editors that several people share live, next to the software you "
         "need.</p><ul class=\"plain facts\">" +
         fact("One text, many hands.", "Everybody sees every letter at once, in files and in terminals.") +
         fact("A real machine.", "Your own files, tools and servers, kept where you left them.") +
         fact("Open to programs.", "An API with keys of your own leads to the same projects.") +
         "</ul></section><section class=\"card tabs\" aria-label=\"Your account\">"
         "<input type=\"radio\" name=\"tab\" id=\"tab-up\" checked><input type=\"radio\" name=\"tab\" id=\"tab-in\">"
         "<div class=\"tabbar\"><label for=\"tab-up\">Create account</label><label for=\"tab-in\">Sign "
         "in</label></div><div class=\"panel-up\">" +
         sign_up_form({}, first) + "</div><div class=\"panel-in\">" + sign_in_form({}) + "</div></section></div>";
}

rt::task<void> start_page(net::exchange& x, site& s) {
  if (co_await operations::auth(s.pool).authenticate(x.request())) {
    co_await go(x, "/app/");
    co_return;
  }
  co_await show(x, s, {"", landing(!co_await store::accounts(s.pool).any()), std::string(form_script)});
}

rt::task<void> info_page(net::exchange& x, site& s) {
  std::string text =
      "<h1>About this site</h1><p>Here people work together in projects: Linux environments with files, terminals, "
      "editors and web servers of their own.</p>"
      "<h2>For people</h2><p>Sign up, make a project, start it, and invite others by their e-mail address. Whoever is "
      "on a project shares everything in it.</p>"
      "<h2>For programs</h2><p>Everything about projects can be done by HTTP with an API key: <a href=\"/api/v2\">the "
      "calls of /api/v2</a>. An example:</p>"
      "<pre>curl -u \"$KEY:\" -H 'Content-Type: application/json' -d '{\"title\":\"Data\"}' \\\n  "
      "https://this-site/api/v2/projects/create</pre>"
      "<h2>Policies</h2><ul>";
  for (const auto& p : policies())
    text += "<li><a href=\"/policies/" + std::string(p.name) + "\">" + std::string(p.title) + "</a></li>";
  text += "</ul><h2>Software</h2><p>Atrium " + html(domain::version) + ".</p>";
  co_await show(x, s, {"About", std::move(text)});
}

/// Paragraphs and headings of plain text.
std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find("\n\n"), text.size());
    const auto part = text.substr(0, end);
    if (part.starts_with("# ")) out += "<h2>" + html(part.substr(2)) + "</h2>";
    else if (!part.empty()) out += "<p>" + html(part) + "</p>";
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

rt::task<void> missing_page(net::exchange& x, site& s) {
  co_await show(x, s,
                {"Not found",
                 "<div class=\"narrow\"><h1>There is nothing at this address</h1><p>It may have been moved, or it is "
                 "not for you to see.</p>"
                 "<a class=\"main-button\" href=\"/\">Go to the start page</a></div>",
                 {},
                 404});
}

rt::task<void> policy_index(net::exchange& x, site& s) {
  std::string text = "<h1>Policies</h1><ul>";
  for (const auto& p : policies())
    text += "<li><a href=\"/policies/" + std::string(p.name) + "\">" + std::string(p.title) + "</a></li>";
  co_await show(x, s, {"Policies", text + "</ul>"});
}

rt::task<void> policy_page(net::exchange& x, site& s) {
  const auto name = x.parameter("name");
  const auto all = policies();
  const auto found = std::find_if(all.begin(), all.end(), [&](const policy& p) { return p.name == name; });
  if (found == all.end()) {
    co_await missing_page(x, s);
    co_return;
  }
  const auto own = co_await store::server_settings(s.pool).get("policy_" + std::string(found->name));
  const std::string text = own && !own->empty() ? *own : std::string(found->text);
  co_await show(x, s, {std::string(found->title), "<h1>" + std::string(found->title) + "</h1>" + paragraphs(text)});
}

}  // namespace

void add_pages(net::router& router, site& s) {
  router.add("GET", "/", on_page(s, start_page));
  router.add("GET", "/info", on_page(s, info_page));
  router.add("GET", "/policies", on_page(s, policy_index));
  router.add("GET", "/policies/{name}", on_page(s, policy_page));
  router.otherwise(on_page(s, missing_page));
}

}  // namespace atrium::hub_next
