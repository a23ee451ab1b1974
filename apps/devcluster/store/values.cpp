#include "apps/devcluster/store/values.hpp"

#include <cmath>

#include "atrium/k8s/time.hpp"

namespace atrium::devcluster {

json::value* find(json::value& root, path keys) noexcept { return const_cast<json::value*>(k8s::find(root, keys)); }

std::string_view text_at(const json::value& root, path keys) noexcept {
  const auto* at = find(root, keys);
  const auto* text = at ? at->if_string() : nullptr;
  return text ? as_view(*text) : std::string_view();
}

std::optional<std::int64_t> int_at(const json::value& root, path keys) noexcept {
  const auto* at = find(root, keys);
  if (!at) return std::nullopt;
  if (at->is_int64()) return at->get_int64();
  if (at->is_uint64() && at->get_uint64() <= INT64_MAX) return static_cast<std::int64_t>(at->get_uint64());
  if (at->is_double() && std::abs(at->get_double()) < 9e15 && std::trunc(at->get_double()) == at->get_double())
    return static_cast<std::int64_t>(at->get_double());
  return std::nullopt;
}

bool true_at(const json::value& root, path keys) noexcept {
  const auto* at = find(root, keys);
  return at && at->is_bool() && at->get_bool();
}

const json::array& array_at(const json::value& root, path keys) noexcept {
  static const json::array none;
  const auto* at = find(root, keys);
  return at && at->is_array() ? at->get_array() : none;
}

const json::object& object_at(const json::value& root, path keys) noexcept {
  static const json::object none;
  const auto* at = find(root, keys);
  return at && at->is_object() ? at->get_object() : none;
}

json::object& ensure_object(json::value& root, path keys) {
  json::value* at = &root;
  if (!at->is_object()) at->emplace_object();
  for (const auto key : keys) {
    json::value& next = at->get_object()[key];
    if (!next.is_object()) next.emplace_object();
    at = &next;
  }
  return at->get_object();
}

void set_at(json::value& root, path keys, json::value what) {
  json::value* at = &root;
  for (const auto key : keys) {
    if (!at->is_object()) at->emplace_object();
    at = &at->get_object()[key];
  }
  *at = std::move(what);
}

void erase_at(json::value& root, path keys) noexcept {
  json::value* at = &root;
  const auto* last = keys.end() - 1;
  for (const auto* key = keys.begin(); key != last; ++key) {
    at = find(*at, {*key});
    if (!at) return;
  }
  if (auto* object = at->if_object()) object->erase(*last);
}

std::string scalar_text(const json::value& value) {
  if (const auto* s = value.if_string()) return std::string(as_view(*s));
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  return {};
}

std::string rfc3339(wall_time when) { return k8s::format_seconds(when); }
std::string rfc3339_micro(wall_time when) { return k8s::format_micros(when); }

std::optional<wall_time> parse_rfc3339(std::string_view text) noexcept {
  // What the API server takes is stricter in its letters than the reader of its clients.
  if (text.size() < 20 || text[10] != 'T' || text.back() == 'z') return std::nullopt;
  return k8s::parse_time(text);
}

result<std::int64_t> parse_quantity(std::string_view text) {
  double number = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  static constexpr std::pair<std::string_view, double> units[] = {{"", 1},
                                                                  {"m", 1e-3},
                                                                  {"k", 1e3},
                                                                  {"M", 1e6},
                                                                  {"G", 1e9},
                                                                  {"T", 1e12},
                                                                  {"P", 1e15},
                                                                  {"Ki", 1024.},
                                                                  {"Mi", 1048576.},
                                                                  {"Gi", 1073741824.},
                                                                  {"u", 1e-6},
                                                                  {"n", 1e-9},
                                                                  {"Ti", 1099511627776.},
                                                                  {"Pi", 1125899906842624.}};
  if (status == std::errc())
    for (const auto& [name, factor] : units)
      if (name == unit && std::abs(number * factor) < 9e15)
        return static_cast<std::int64_t>(std::ceil(number * factor * 1000));
  return api_error("BadRequest",
                   "'" + std::string(text) + "' is not a quantity; write a number with a unit, such as 500m or 2Gi.");
}

namespace {
struct reason_row {
  std::string_view reason;
  unsigned status;
  disposition what;
};
constexpr reason_row reasons[] = {
    {"BadRequest", 400, disposition::invalid},
    {"Unauthorized", 401, disposition::unauthenticated},
    {"Forbidden", 403, disposition::denied},
    {"NotFound", 404, disposition::not_found},
    {"MethodNotAllowed", 405, disposition::unimplemented},
    {"NotAcceptable", 406, disposition::invalid},
    {"AlreadyExists", 409, disposition::conflict},
    {"Conflict", 409, disposition::conflict},
    {"Expired", 410, disposition::conflict},
    {"Gone", 410, disposition::conflict},
    {"RequestEntityTooLarge", 413, disposition::invalid},
    {"UnsupportedMediaType", 415, disposition::invalid},
    {"Invalid", 422, disposition::invalid},
    {"TooManyRequests", 429, disposition::overloaded},
    {"InternalError", 500, disposition::failed},
    {"ServiceUnavailable", 503, disposition::overloaded},
    {"Timeout", 504, disposition::timed_out},
};
}  // namespace

error api_error(std::string_view reason, std::string message, std::source_location where) {
  disposition what = disposition::failed;
  for (const auto& row : reasons)
    if (row.reason == reason) what = row.what;
  return error(what, std::move(message), where).with_code(std::string(reason));
}

unsigned status_of_reason(std::string_view reason) noexcept {
  for (const auto& row : reasons)
    if (row.reason == reason) return row.status;
  return 500;
}

std::string reason_of(const error& e) {
  for (const auto& row : reasons)
    if (row.reason == e.code()) return e.code();
  for (const auto& row : reasons)
    if (row.what == e.disposition()) return std::string(row.reason);
  return "InternalError";
}

}  // namespace atrium::devcluster
