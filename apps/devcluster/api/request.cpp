#include "apps/devcluster/api/request.hpp"

#include <boost/json/parse.hpp>

#include "apps/devcluster/api/protobuf.hpp"
#include "atrium/net/http.hpp"

namespace atrium::devcluster {

std::string_view value_of(const query_list& query, std::string_view name) noexcept {
  for (const auto& [key, text] : query)
    if (key == name) return text;
  return {};
}

std::string_view api_request::value(std::string_view name) const noexcept { return value_of(query, name); }

bool api_request::flag(std::string_view name) const noexcept {
  const auto text = value(name);
  return text == "true" || text == "1";
}

result<json::value> body_of(const api_request& request) {
  if (is_protobuf_object(request.body)) return decode_protobuf_object(request.body);
  if (request.content_type.find("protobuf") != std::string::npos ||
      request.content_type.find("cbor") != std::string::npos)
    return api_error("UnsupportedMediaType", "This server speaks JSON: send the body as application/json.");
  json::error_code bad;
  json::value value = json::parse(request.body, bad);
  if (bad) return api_error("BadRequest", "The body is not JSON: " + bad.message() + ".");
  return value;
}

write_options write_options_of(const api_request& request) {
  return {.dry_run = request.value("dryRun") == "All",
          .strict = request.value("fieldValidation") == "Strict",
          .force = request.flag("force"),
          .manager = std::string(request.value("fieldManager")),
          .subresource = {}};
}

result<delete_options> delete_options_of(const api_request& request) {
  delete_options out;
  out.dry_run = request.value("dryRun") == "All";
  if (!request.body.empty()) {
    const auto body = body_of(request);
    if (!body) return body.error();
    out.grace_seconds = int_at(*body, {"gracePeriodSeconds"});
    out.uid = text_at(*body, {"preconditions", "uid"});
    out.resource_version = text_at(*body, {"preconditions", "resourceVersion"});
    for (const auto& run : array_at(*body, {"dryRun"})) out.dry_run = out.dry_run || scalar_text(run) == "All";
  }
  if (const auto grace = request.value("gracePeriodSeconds"); !grace.empty()) {
    out.grace_seconds = whole_number<std::int64_t>(grace);
    if (!out.grace_seconds) return api_error("BadRequest", "gracePeriodSeconds must be a whole number.");
  }
  return out;
}

result<patch_kind> patch_kind_of(const api_request& request) {
  const auto type = std::string_view(request.content_type).substr(0, request.content_type.find(';'));
  if (type == "application/json-patch+json") return patch_kind::json;
  if (type == "application/merge-patch+json") return patch_kind::merge;
  if (type == "application/strategic-merge-patch+json") return patch_kind::strategic;
  if (type == "application/apply-patch+yaml") return patch_kind::apply;
  return api_error(
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
      "application/merge-patch+json, application/apply-patch+yaml, application/strategic-merge-patch+json");
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  for (std::size_t start = 0; start < path.size();) {
    const auto slash = std::min(path.find('/', start), path.size());
    if (slash > start) out.push_back(net::percent_decode(path.substr(start, slash - start)).value_or("\x01"));
    start = slash + 1;
  }
  return out;
}

result<selector> selector_of(const api_request& request, const resource_type& type, std::string_view only_name) {
  selector out;
  auto labels = label_selector::parse(request.value("labelSelector"));
  if (!labels) return labels.error();
  std::string fields(request.value("fieldSelector"));
  if (!only_name.empty()) fields += (fields.empty() ? "metadata.name=" : ",metadata.name=") + std::string(only_name);
  auto parsed = field_selector::parse(fields, type);
  if (!parsed) return parsed.error();
  out.labels = std::move(*labels);
  out.fields = std::move(*parsed);
  return out;
}

}  // namespace atrium::devcluster
