/// @file forms.hpp - the forms to sign up and to sign in, as HTML and as they come back. Layer: apps/hub-next.
/// I/O-free.
#pragma once

#include <string>
#include <string_view>

namespace atrium::hub_next {

/// What was typed (never the password again) and what is wrong with it.
struct form_state {
  std::string email, first_name, last_name;
  bool terms = false;
  std::string next;         ///< path of ours to go to afterwards
  std::string wrong_field;  ///< email, password, first_name, last_name, terms; empty with a message: the whole form
  std::string message;
};

/// `first`: nobody has an account yet.
std::string sign_up_form(const form_state&, bool first);
std::string sign_in_form(const form_state&);
/// A path below this site, or "/app/" for everything else ("//host", "https://...", control characters).
std::string safe_next(std::string_view next);

}  // namespace atrium::hub_next
