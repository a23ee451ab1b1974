#include "atrium/k8s/client.hpp"

#include <boost/json.hpp>

#include "atrium/k8s/json.hpp"
#include "client_state.hpp"

namespace atrium::k8s {

namespace json = boost::json;

object_list::object_list() : items(std::make_unique<json::array>()) {}
object_list::object_list(object_list&&) noexcept = default;
object_list& object_list::operator=(object_list&&) noexcept = default;
object_list::~object_list() = default;

client::client(config c, client_options o) : state_(std::make_unique<state>(std::move(c), std::move(o))) {}
client::~client() = default;

const config& client::configuration() const noexcept { return state_->settings; }

rt::task<json::value> client::get(const resource& kind, std::string ns, std::string name) {
  return state_->call("GET", kind.object_path(ns, name));
}

rt::task<object_list> client::list_page(const resource& kind, std::string ns, list_options o,
                                        std::string continue_token) {
  // A continue token carries the version; giving both is refused.
  const std::string version = continue_token.empty() ? o.resource_version : "";
  auto answer = co_await state_->call(
      "GET", kind.collection_path(ns) + query_of({{"labelSelector", o.label_selector},
                                                  {"fieldSelector", o.field_selector},
                                                  {"limit", o.limit ? std::to_string(o.limit) : ""},
                                                  {"resourceVersion", version},
                                                  {"continue", continue_token}}));
  object_list out;
  out.resource_version = text_at(answer, {"metadata", "resourceVersion"});
  out.continue_token = text_at(answer, {"metadata", "continue"});
  if (auto* object = answer.if_object())
    if (auto* items = object->if_contains("items"); items && items->is_array())
      out.items = std::make_unique<json::array>(std::move(items->get_array()));  // keeps its memory
  co_return out;
}

rt::task<object_list> client::list(const resource& kind, std::string ns, list_options o) {
  const resource copy = kind;
  for (bool again = true;;) {
    object_list all;
    std::string token;
    bool expired = false;
    try {
      do {
        auto page = co_await list_page(copy, ns, o, token);
        for (auto& item : *page.items) all.items->push_back(std::move(item));
        all.resource_version = std::move(page.resource_version);
        token = std::move(page.continue_token);
      } while (!token.empty());
    } catch (const failure& f) {
      if (f.error().code() != code_gone || token.empty() || !std::exchange(again, false)) throw;
      expired = true;
    }
    if (!expired) co_return all;
    o.limit = 0;
  }
}

rt::task<json::value> client::create(const resource& kind, std::string ns, json::value object) {
  if (auto* o = object.if_object()) {
    if (!o->contains("apiVersion")) (*o)["apiVersion"] = kind.api_version();
    if (!o->contains("kind")) (*o)["kind"] = kind.kind;
  }
  return state_->call("POST", kind.collection_path(ns), json::serialize(object));
}

rt::task<json::value> client::replace(const resource& kind, std::string ns, std::string name, json::value object,
                                      std::string subresource) {
  return state_->call("PUT", kind.object_path(ns, name, subresource), json::serialize(object));
}

rt::task<json::value> client::patch(const resource& kind, std::string ns, std::string name, patch_type type,
                                    json::value patch, std::string subresource) {
  const char* media = type == patch_type::json    ? "application/json-patch+json"
                      : type == patch_type::merge ? "application/merge-patch+json"
                                                  : "application/strategic-merge-patch+json";
  return state_->call("PATCH", kind.object_path(ns, name, subresource), json::serialize(patch), media);
}

rt::task<void> client::remove(const resource& kind, std::string ns, std::string name, delete_options o) {
  json::object body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (o.grace) body["gracePeriodSeconds"] = o.grace->count();
  json::object preconditions;
  if (!o.uid.empty()) preconditions["uid"] = o.uid;
  if (!o.resource_version.empty()) preconditions["resourceVersion"] = o.resource_version;
  if (!preconditions.empty()) body["preconditions"] = std::move(preconditions);
  co_await state_->call("DELETE", kind.object_path(ns, name), json::serialize(body));
}

rt::task<json::value> client::raw(std::string method, std::string path_and_query, std::string body) {
  return state_->call(std::move(method), std::move(path_and_query), std::move(body));
}

}  // namespace atrium::k8s
