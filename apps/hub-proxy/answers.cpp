#include "apps/hub-proxy/answers.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "atrium/base/trace.hpp"

namespace atrium::hub_proxy {

namespace {

std::string page_of(domain::project_id p) { return "/app/projects/" + p.str() + "/files/"; }

obstacle about_state(unsigned status, const char* title, std::string message, domain::project_id p,
                     unsigned retry_after = 0) {
  return {.status = status,
          .title = title,
          .message = std::move(message),
          .link = page_of(p),
          .link_text = "Open the project",
          .retry_after = retry_after};
}

constexpr std::string_view style =
    ":root{color-scheme:light dark;--ground:#f9fafb;--text:#1d212b;--quiet:#4d5462;--accent:#3f5bd0}"
    "@media(prefers-color-scheme:dark){:root{--ground:#14161c;--text:#eceef3;--quiet:#b3b9c6;--accent:#9db0ff}}"
    "body{margin:0;min-height:100vh;display:grid;place-content:center;padding:24px;box-sizing:border-box;background:"
    "var(--ground);"
    "color:var(--text);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}"
    "main{max-width:46ch}h1{font-size:24px;line-height:1.2;margin:0 0 12px}p{margin:0 0 16px;color:var(--quiet)}"
    "a{color:var(--accent);display:inline-block;padding:10px 0}a:focus-visible{outline:2px solid "
    "var(--accent);outline-offset:2px}";

net::response page(const obstacle& o) {
  const auto safe = [](const std::string& text) { return net::escape_html(text); };
  std::string out =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">";
  if (o.retry_after > 0) out += "<meta http-equiv=\"refresh\" content=\"" + std::to_string(o.retry_after) + "\">";
  out += "<title>" + safe(o.title) + "</title><style>" + std::string(style) + "</style></head><body><main><h1>" +
         safe(o.title) + "</h1><p role=\"status\">" + safe(o.message) + "</p>";
  if (!o.link.empty()) out += "<a href=\"" + safe(o.link) + "\">" + safe(o.link_text) + "</a>";
  auto r = net::response::html(o.status, out + "</main></body></html>");
  r.headers.set(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'");
  return r;
}

/// The media type, in lower case without parameters.
std::string media_type(const net::headers& h) {
  std::string out(h.find("Content-Type").value_or(""));
  out = out.substr(0, out.find(';'));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

/// Types that browsers show without running anything in the page's name.
bool is_inert(const std::string& type) {
  return type == "text/plain" || type == "application/pdf" || type == "application/json" ||
         type == "application/octet-stream" || (type.starts_with("image/") && type != "image/svg+xml") ||
         type.starts_with("audio/") || type.starts_with("video/") || type.starts_with("font/");
}

}  // namespace

std::optional<obstacle> obstacle_of(const domain::project_state& s, domain::project_id p) {
  using enum domain::state_name;
  const std::string why = s.error.empty() ? "" : s.error + " ";
  switch (s.state) {
    case running:
      if (!s.ip.empty()) return std::nullopt;
      [[fallthrough]];
    case starting:
    case pending:
      return about_state(503, "The project is starting", why + "This page opens by itself when the project runs.", p,
                         2);
    case opening:
    case unarchiving:
      return about_state(503, "The project is being prepared",
                         why + "Its files are being brought back. This page opens by itself.", p, 5);
    case stopping:
      return about_state(409, "The project is stopping", "Wait until it has stopped, then start it again.", p);
    case archived:
    case archiving:
    case closed:
    case closing:
    case opened:
      break;
  }
  return about_state(409, "The project is not running", why + "Start the project, then reload this page.", p);
}

obstacle no_answer(domain::project_id p) {
  return about_state(502, "The project does not answer",
                     "It may still be starting, or what you asked for is not running in it.", p, 3);
}

obstacle obstacle_of(const error& e, domain::project_id p) {
  obstacle o{.status = http_status(e.disposition()),
             .title = "This did not work",
             .message = e.public_text(),
             .link = "/app/",
             .link_text = "Your projects"};
  if (e.disposition() == disposition::unauthenticated) {
    o.title = "Sign in to open this project";
    o.link = "/app/sign-in?next=" + page_of(p);
    o.link_text = "Sign in";
  } else if (e.disposition() == disposition::not_found) {
    o.title = "No such project";
  } else if (e.disposition() == disposition::denied) {
    o.title = "This is not allowed";
  } else if (e.disposition() == disposition::failed) {
    o.message = "Something went wrong on our side. Try again; if it stays, tell the administrator.";
  } else if (o.status >= 500) {
    // The database is away or slow; its words help nobody here.
    o.status = 503;
    o.title = "Not available right now";
    o.message = "The service is busy or being restarted. This page tries again by itself.";
    o.retry_after = 3;
  }
  return o;
}

net::response to_response(const obstacle& o, bool navigation) {
  boost::json::object said{{"error", o.message}};
  if (const auto traced = trace::current()) said["trace"] = traced.text();
  auto r = navigation ? page(o) : net::response::json(o.status, boost::json::serialize(said));
  r.headers.set("Cache-Control", "no-store");
  r.headers.set("Referrer-Policy", "same-origin");
  if (o.retry_after > 0) r.headers.set("Retry-After", std::to_string(o.retry_after));
  if (o.status == 401) r.headers.set("WWW-Authenticate", "Bearer");
  return r;
}

void guard_content(net::headers& answer, bool apart) {
  answer.set("X-Content-Type-Options", "nosniff");
  if (!is_inert(media_type(answer)))
    answer.set("Content-Security-Policy", apart ? "sandbox allow-scripts allow-same-origin allow-forms allow-modals "
                                                  "allow-downloads allow-popups allow-popups-to-escape-sandbox"
                                                : "sandbox allow-downloads allow-popups");
  if (!answer.contains("Cache-Control")) answer.set("Cache-Control", "private, no-cache");
}

void guard_origin(net::headers& answer) {
  static constexpr std::string_view names[] = {"Clear-Site-Data",
                                               "Strict-Transport-Security",
                                               "Public-Key-Pins",
                                               "Service-Worker-Allowed",
                                               "Origin-Agent-Cluster",
                                               "NEL",
                                               "Report-To",
                                               "Reporting-Endpoints"};
  answer.erase_if([](std::string_view name, std::string_view) {
    return std::any_of(std::begin(names), std::end(names), [&](auto n) { return net::equal_nocase(n, name); });
  });
}

}  // namespace atrium::hub_proxy
