#include "apps/hub-next/forms.hpp"

#include <algorithm>

#include "apps/hub-next/page.hpp"

namespace atrium::hub_next {

namespace {

struct input {
  std::string name, id, label, type, autocomplete, value, hint, extra;
};

std::string error_text(const std::string& id, const std::string& message) {
  return "<p class=\"error\" id=\"" + id + "-error\">" + html(message) + "</p>";
}

std::string field(const input& i, const form_state& state) {
  const bool wrong = !state.message.empty() && state.wrong_field == i.name;
  std::string described;
  if (wrong) described = i.id + "-error";
  if (!i.hint.empty()) described += (described.empty() ? "" : " ") + i.id + "-hint";
  std::string out = "<div class=\"field\"><label for=\"" + i.id + "\">" + i.label + "</label>";
  const bool password = i.type == "password";
  if (password) out += "<div class=\"with-button\">";
  out += "<input type=\"" + i.type + "\" id=\"" + i.id + "\" name=\"" + i.name + "\" autocomplete=\"" + i.autocomplete +
         "\" required";
  if (!i.value.empty()) out += " value=\"" + html(i.value) + "\"";
  if (!described.empty()) out += " aria-describedby=\"" + described + "\"";
  if (wrong) out += " aria-invalid=\"true\"";
  out += i.extra + ">";
  if (password)
    out += "<button type=\"button\" data-show=\"" + i.id + "\" aria-pressed=\"false\" aria-controls=\"" + i.id +
           "\" hidden>Show</button></div>";
  if (wrong) out += error_text(i.id, state.message);
  if (!i.hint.empty()) out += "<p class=\"hint\" id=\"" + i.id + "-hint\">" + i.hint + "</p>";
  return out + "</div>";
}

std::string opening(const char* action, const form_state& state) {
  // novalidate: our sentences say more than the browser's bubbles, and stand beside the field.
  std::string out = "<form method=\"post\" action=\"" + std::string(action) + "\" novalidate>";
  if (!state.next.empty()) out += "<input type=\"hidden\" name=\"next\" value=\"" + html(state.next) + "\">";
  if (!state.message.empty() && state.wrong_field.empty())
    out += "<p class=\"alert\" role=\"alert\">" + html(state.message) + "</p>";
  return out;
}

}  // namespace

std::string sign_up_form(const form_state& state, bool first) {
  const bool terms_wrong = !state.message.empty() && state.wrong_field == "terms";
  std::string out = opening("/auth/sign-up", state);
  if (first) out += "<p class=\"note\">Nobody has signed up yet. The first account administers this site.</p>";
  out +=
      "<div class=\"row\">" +
      field({"first_name", "up-first", "First name", "text", "given-name", state.first_name, {}, " maxlength=\"100\""},
            state) +
      field({"last_name", "up-last", "Last name", "text", "family-name", state.last_name, {}, " maxlength=\"100\""},
            state) +
      "</div>";
  out += field({"email",
                "up-email",
                "E-mail address",
                "email",
                "email",
                state.email,
                {},
                " inputmode=\"email\" maxlength=\"254\" spellcheck=\"false\""},
               state);
  out += field({"password",
                "up-password",
                "Password",
                "password",
                "new-password",
                {},
                "At least 8 characters. Three or four words make a good one.",
                " minlength=\"8\" maxlength=\"128\""},
               state);
  out +=
      "<div class=\"field\"><label class=\"check\" for=\"up-terms\"><input type=\"checkbox\" id=\"up-terms\" "
      "name=\"terms\" value=\"yes\" required";
  if (state.terms) out += " checked";
  if (terms_wrong) out += " aria-invalid=\"true\" aria-describedby=\"up-terms-error\"";
  out +=
      "><span>I accept the <a href=\"/policies/terms\">terms</a> and have read about <a "
      "href=\"/policies/privacy\">privacy</a>.</span></label>";
  if (terms_wrong) out += error_text("up-terms", state.message);
  out += "</div><button class=\"main-button\" data-busy=\"Making your account...\">Create account</button></form>";
  return out;
}

std::string sign_in_form(const form_state& state) {
  std::string out = opening("/auth/sign-in", state);
  out += field({"email",
                "in-email",
                "E-mail address",
                "email",
                "username",
                state.email,
                {},
                " inputmode=\"email\" maxlength=\"254\" spellcheck=\"false\""},
               state);
  out += field({"password", "in-password", "Password", "password", "current-password", {}, {}, " maxlength=\"1024\""},
               state);
  out += "<button class=\"main-button\" data-busy=\"Signing in...\">Sign in</button></form>";
  return out;
}

std::string safe_next(std::string_view next) {
  const bool plain =
      std::all_of(next.begin(), next.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
  if (!plain || next.size() > 1024 || !next.starts_with('/') || next.starts_with("//") || next.starts_with("/auth/"))
    return "/app/";
  return std::string(next);
}

}  // namespace atrium::hub_next
