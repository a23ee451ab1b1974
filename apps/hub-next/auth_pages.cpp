// Signing up, in and out by forms, without a need for JavaScript.
#include <map>

#include "apps/domain/credentials.hpp"
#include "apps/hub-next/forms.hpp"
#include "apps/hub-next/handlers.hpp"
#include "apps/hub-next/style.hpp"
#include "apps/store/accounts.hpp"

namespace atrium::hub_next {

namespace {

constexpr std::size_t form_limit = 64 * 1024;

using fields = std::map<std::string, std::string>;

rt::task<fields> read_form(net::exchange& x) {
  fields out;
  for (auto& [name, value] : net::parse_form(co_await x.body().text(form_limit)))
    out.emplace(std::move(name), std::move(value));
  co_return out;
}

page sign_up_page(const form_state& state, bool first, unsigned status) {
  return {state.message.empty() ? "Create account" : "Error: create account",
          "<div class=\"narrow\"><h1>Create account</h1><div class=\"card\">" + sign_up_form(state, first) +
              "<p class=\"after\">You have an account? <a href=\"/auth/sign-in\">Sign in</a></p></div></div>",
          std::string(form_script), status};
}

page sign_in_page(const form_state& state, unsigned status) {
  return {state.message.empty() ? "Sign in" : "Error: sign in",
          "<div class=\"narrow\"><h1>Sign in</h1><div class=\"card\">" + sign_in_form(state) +
              "<p class=\"after\">New here? <a href=\"/auth/sign-up\">Create an account</a></p></div></div>",
          std::string(form_script), status};
}

/// A form that came from a page of somebody else's is not acted upon.
rt::task<bool> refused_as_foreign(net::exchange& x, site& s) {
  if (operations::same_origin(x.request())) co_return false;
  co_await show(
      x, s,
      {"Not sent from here",
       "<div class=\"narrow\"><h1>This form was not sent from this site</h1><p>To protect you, nothing was done. "
       "<a href=\"/\">Open the start page</a> and try again there.</p></div>",
       {},
       403});
  co_return true;
}

rt::task<void> sign_up(net::exchange& x, site& s) {
  if (co_await refused_as_foreign(x, s)) co_return;
  auto f = co_await read_form(x);
  form_state state{f["email"], f["first_name"], f["last_name"], f["terms"] == "yes", f["next"], {}, {}};
  operations::sign_up_form form{f["email"], f["password"], f["first_name"], f["last_name"], state.terms};
  unsigned status = 200;
  if (const auto wrong = operations::check(form)) {
    state.wrong_field = wrong->field;
    state.message = wrong->error.public_text();
    status = http_status(wrong->error.disposition());
  } else {
    std::optional<operations::signed_in> done;
    try {
      done = co_await operations::auth(s.pool).sign_up(std::move(form), client_of(x));
    } catch (const failure& e) {
      if (e.disposition() != disposition::conflict && e.disposition() != disposition::overloaded &&
          e.disposition() != disposition::invalid)
        throw;
      if (e.disposition() == disposition::conflict) state.wrong_field = "email";
      state.message = e.error().public_text();
      status = http_status(e.disposition());
    }
    if (done) {
      co_await go(x, safe_next(state.next), domain::session_set_cookie(done->session_token, secure(x)));
      co_return;
    }
  }
  const bool first = !co_await store::accounts(s.pool).any();
  co_await show(x, s, sign_up_page(state, first, status));
}

rt::task<void> sign_in(net::exchange& x, site& s) {
  if (co_await refused_as_foreign(x, s)) co_return;
  auto f = co_await read_form(x);
  form_state state{f["email"], {}, {}, false, f["next"], {}, {}};
  std::optional<operations::signed_in> done;
  unsigned status = 200;
  try {
    done = co_await operations::auth(s.pool).sign_in(f["email"], f["password"], client_of(x));
  } catch (const failure& e) {
    const auto d = e.disposition();
    if (d != disposition::invalid && d != disposition::unauthenticated && d != disposition::overloaded &&
        d != disposition::denied)
      throw;
    if (d == disposition::invalid)
      state.wrong_field = f["password"].empty() && !f["email"].empty() ? "password" : "email";
    if (d == disposition::unauthenticated) state.wrong_field = "password";
    state.message = e.error().public_text();
    status = http_status(d);
  }
  if (done) co_await go(x, safe_next(state.next), domain::session_set_cookie(done->session_token, secure(x)));
  else co_await show(x, s, sign_in_page(state, status));
}

rt::task<void> sign_out(net::exchange& x, site& s) {
  if (co_await refused_as_foreign(x, s)) co_return;
  co_await operations::auth(s.pool).sign_out(x.request());
  co_await go(x, "/", domain::session_clear_cookie(secure(x)));
}

rt::task<void> show_form(net::exchange& x, site& s, bool sign_up) {
  if (co_await operations::auth(s.pool).authenticate(x.request())) {
    co_await go(x, safe_next(x.request().query_value("next").value_or("")));
    co_return;
  }
  form_state state;
  if (const auto next = x.request().query_value("next")) state.next = safe_next(*next);
  if (sign_up) co_await show(x, s, sign_up_page(state, !co_await store::accounts(s.pool).any(), 200));
  else co_await show(x, s, sign_in_page(state, 200));
}

rt::task<void> show_sign_out(net::exchange& x, site& s) {
  const auto who = co_await operations::auth(s.pool).authenticate(x.request());
  std::string text = "<p>You are signed out.</p><a class=\"main-button\" href=\"/auth/sign-in\">Sign in</a>";
  if (who)
    text = "<p>You are signed in as " + html(who->account.full_name()) +
           ".</p><form method=\"post\" action=\"/auth/sign-out\"><button class=\"main-button\" data-busy=\"Signing "
           "out...\">Sign out</button></form>";
  co_await show(x, s,
                {"Sign out", "<div class=\"narrow\"><h1>Sign out</h1><div class=\"card\">" + text + "</div></div>"});
}

}  // namespace

void add_auth(net::router& router, site& s) {
  router.add("GET", "/auth/sign-up", on_page(s, [](net::exchange& x, site& t) { return show_form(x, t, true); }));
  router.add("GET", "/auth/sign-in", on_page(s, [](net::exchange& x, site& t) { return show_form(x, t, false); }));
  router.add("GET", "/auth/sign-out", on_page(s, show_sign_out));
  router.add("POST", "/auth/sign-up", on_page(s, sign_up));
  router.add("POST", "/auth/sign-in", on_page(s, sign_in));
  router.add("POST", "/auth/sign-out", on_page(s, sign_out));
}

}  // namespace atrium::hub_next
