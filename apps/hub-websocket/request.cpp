#include "apps/hub-websocket/request.hpp"

#include "apps/domain/json.hpp"

namespace atrium::hub_websocket {

namespace json = boost::json;

std::optional<error> parse_request(std::string_view text, request& out) {
  json::error_code problem;
  json::parse_options options;
  options.max_depth = 32;
  auto value = json::parse(text, problem, {}, options);
  if (problem || !value.is_object())
    return error(disposition::invalid, "A message must be a JSON object: {\"id\", \"method\", \"params\"}.");
  auto& object = value.get_object();
  if (const auto* id = object.if_contains("id"); id && id->is_number()) {
    const auto number = id->to_number<std::int64_t>(problem);
    if (!problem) out.id = number;
  }
  if (!out.id) return error(disposition::invalid, "A request needs a whole number as `id`.");
  out.traced = trace::parse_traceparent(domain::string_at(object, "traceparent").value_or(""));
  const auto method = domain::string_at(object, "method");
  if (!method) return error(disposition::invalid, "A request needs a `method`.");
  out.method = *method;
  if (auto* params = object.if_contains("params"); params && !params->is_null()) {
    if (!params->is_object()) return error(disposition::invalid, "`params` must be an object.");
    out.params = std::move(params->get_object());
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_parameter(const json::object& params, std::string_view name) {
  const auto* value = params.if_contains(name);
  if (!value || !value->is_number()) return std::nullopt;
  json::error_code problem;
  const auto number = value->to_number<std::uint64_t>(problem);
  return problem ? std::nullopt : std::optional(number);
}

}  // namespace atrium::hub_websocket
