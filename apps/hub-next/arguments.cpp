#include <charconv>
#include <cmath>

#include "apps/hub-next/api.hpp"

namespace atrium::hub_next {

namespace {

[[noreturn]] void wrong(std::string_view name, std::string_view what) {
  fail(disposition::invalid, "The parameter " + std::string(name) + " " + std::string(what) + ".");
}

}  // namespace

const json::value* arguments::find(std::string_view name) const noexcept {
  const auto* v = values_.if_contains(name);
  return v && !v->is_null() ? v : nullptr;
}

std::optional<std::string> arguments::maybe_text(std::string_view name) const {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (!v->is_string()) wrong(name, "must be a text");
  if (v->get_string().find('\0') != json::string::npos) wrong(name, "holds a character that cannot be stored");
  return std::string(v->get_string());
}

std::string arguments::text(std::string_view name) const {
  auto value = maybe_text(name);
  if (!value) wrong(name, "is missing");
  return std::move(*value);
}

bool arguments::flag(std::string_view name, bool otherwise) const {
  const auto* v = find(name);
  if (!v) return otherwise;
  if (v->is_bool()) return v->get_bool();
  if (v->is_string() && (v->get_string() == "true" || v->get_string() == "false"))
    return v->get_string() == "true";  // of a query
  wrong(name, "must be true or false");
}

std::optional<double> arguments::maybe_number(std::string_view name) const {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (v->is_number()) return v->to_number<double>();
  if (v->is_string()) {
    const std::string_view text = v->get_string();
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem == std::errc{} && end == text.data() + text.size() && std::isfinite(value)) return value;
  }
  wrong(name, "must be a number");
}

domain::project_id arguments::project() const { return domain::project_id::parse(text("project_id")).value(); }

std::optional<domain::account_id> arguments::maybe_account(std::string_view name) const {
  const auto value = maybe_text(name);
  if (!value) return std::nullopt;
  return domain::account_id::parse(*value).value();
}

std::optional<domain::timestamp> arguments::maybe_time(std::string_view name) const {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (v->is_number()) {  // milliseconds since 1970, as JavaScript has them
    const auto ms = v->to_number<double>();
    if (!(ms >= 0 && ms < 4e12)) wrong(name, "is no time");
    return domain::timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(ms)));
  }
  return domain::parse_timestamp(text(name)).value();
}

const operations::identity& call::identity() const {
  if (!who) fail(disposition::unauthenticated, "You are not signed in. Sign in, or send an API key.");
  return *who;
}

domain::project_id call::project() const {
  const auto project = in.project();
  const auto& only = identity().only_project;
  if (only && *only != project) fail(disposition::not_found, "There is no such project among yours.");
  return project;
}

void call::require_whole_account() const {
  if (identity().only_project)
    fail(disposition::denied, "This API key is good for one project only. Use a key of your account.");
}

}  // namespace atrium::hub_next
