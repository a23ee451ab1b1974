// Lists in pages, and what a watch starts with.
#include <boost/json/serialize.hpp>

#include "apps/devcluster/api/api.hpp"
#include "apps/devcluster/api/table.hpp"

namespace atrium::devcluster {

namespace {

std::string continue_token(const list_position& at) {
  return k8s::encode_base64(std::to_string(at.at) + ":" + at.after_key);
}

result<list_position> parse_token(std::string_view token) {
  const auto text = k8s::decode_base64(token);
  const auto colon = text ? text->find(':') : std::string::npos;
  const auto at =
      colon == std::string::npos ? std::nullopt : whole_number<revision>(std::string_view(*text).substr(0, colon));
  if (!at)
    return api_error("BadRequest", "continue key is not valid: give back the token of the page before as it is.");
  return list_position{*at, text->substr(colon + 1)};
}

result<revision> wanted_revision(const api_request& request, revision current) {
  const auto text = request.value("resourceVersion");
  if (text.empty()) return revision(0);
  const auto at = whole_number<revision>(text);
  if (!at)
    return api_error("Invalid", "resourceVersion: Invalid value: \"" + std::string(text) + "\": it must be a number.");
  if (*at > current)
    return api_error("Timeout",
                     "Too large resource version: " + std::string(text) + ", current: " + std::to_string(current));
  return *at;
}

}  // namespace

std::string list_text(const resource_type& type, const list_page& page, std::string_view continue_at) {
  std::string out = R"({"kind":")";
  out += type.kind;
  out += R"(List","apiVersion":")";
  out += type.api_version();
  out += R"(","metadata":)";
  json::value meta = {{"resourceVersion", std::to_string(page.at)}};
  if (!continue_at.empty()) {
    set_at(meta, {"continue"}, json::string(continue_at));
    set_at(meta, {"remainingItemCount"}, page.remaining);
  }
  out += json::serialize(meta);
  out += R"(,"items":[)";
  for (const auto& item : page.items) {
    if (out.back() != '[') out += ',';
    out += item->text();
  }
  return out + "]}";
}

result<api_answer> api::list(const api_request& request, const target& at, const selector& which) {
  const auto wanted = wanted_revision(request, objects_.store().current());
  if (!wanted) return wanted.error();
  std::size_t limit = 0;
  if (const auto text = request.value("limit"); !text.empty()) {
    const auto parsed = whole_number<std::size_t>(text);
    if (!parsed) return api_error("BadRequest", "limit must be a whole number.");
    limit = *parsed;
  }
  std::optional<list_position> from;
  if (const auto token = request.value("continue"); !token.empty()) {
    auto parsed = parse_token(token);
    if (!parsed) return parsed.error();
    from = std::move(*parsed);
  } else if (request.value("resourceVersionMatch") == "Exact") {
    from = list_position{*wanted, {}};
  }
  auto page = objects_.store().list(*at.type, at.name_space, which, limit, from);
  if (!page) return page.error();
  const std::string token = page->next ? continue_token(*page->next) : std::string();
  if (!wants_table(request.accept)) return api_answer{.status = 200, .body = list_text(*at.type, *page, token)};
  return api_answer{.status = 200,
                    .body = table_text(*at.type, page->items, std::to_string(page->at), token,
                                       request.value("includeObject"), objects_.now())};
}

result<watch_plan> api::watch(const api_request& request, const target& at, selector which) {
  const auto wanted = wanted_revision(request, objects_.store().current());
  if (!wanted) return wanted.error();
  watch_plan plan{.type = at.type, .name_space = at.name_space, .which = std::move(which), .since = *wanted};
  plan.bookmarks = request.flag("allowWatchBookmarks");
  plan.table = wants_table(request.accept);
  const auto match = request.value("resourceVersionMatch");
  if (request.flag("sendInitialEvents")) {
    if (match != "NotOlderThan")
      return api_error(
          "Invalid",
          "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    plan.initial = true;
    plan.initial_marker = plan.bookmarks;
  } else if (!match.empty()) {
    return api_error("Invalid",
                     "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless "
                     "sendInitialEvents is provided");
  } else {
    plan.initial = *wanted == 0 && request.value("sendInitialEvents").empty();
  }
  if (plan.initial || *wanted == 0) plan.since = objects_.store().current();
  if (const auto text = request.value("timeoutSeconds"); !text.empty())
    plan.timeout = std::chrono::seconds(whole_number<std::int64_t>(text).value_or(0));
  if (plan.timeout.count() <= 0 || plan.timeout > std::chrono::hours(1)) plan.timeout = std::chrono::minutes(30);
  return plan;
}

}  // namespace atrium::devcluster
