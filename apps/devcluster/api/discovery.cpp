#include "apps/devcluster/api/discovery.hpp"

#include <boost/json/serialize.hpp>

#include "apps/devcluster/store/kinds.hpp"
#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

namespace {

constexpr std::string_view coordination = "coordination.k8s.io";

json::value version_document() {
  return {{"major", "1"},        {"minor", "33"},           {"gitVersion", git_version},
          {"gitCommit", ""},     {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none"}, {"compiler", "clang"},     {"platform", "linux/amd64"}};
}

json::value group_document() {
  const json::value version = {{"groupVersion", "coordination.k8s.io/v1"}, {"version", "v1"}};
  return {{"name", json::string(coordination)}, {"versions", json::array{version}}, {"preferredVersion", version}};
}

json::value entry(const resource_type& type, std::string_view name, json::array verbs) {
  return {{"name", json::string(name)},
          {"singularName", name == type.plural ? json::string(type.singular) : json::string()},
          {"namespaced", type.namespaced},
          {"kind", json::string(type.kind)},
          {"verbs", std::move(verbs)}};
}

json::value resources_document(std::string_view group) {
  json::array list;
  for (const auto& type : resource_types()) {
    if (type.group != group) continue;
    json::value main =
        entry(type, type.plural, {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"});
    auto& object = main.get_object();
    for (const auto& [field, names] :
         {std::pair("shortNames", &type.short_names), std::pair("categories", &type.categories)}) {
      if (names->empty()) continue;
      json::array texts;
      for (const auto name : *names) texts.push_back(json::string(name));
      object[field] = std::move(texts);
    }
    list.push_back(std::move(main));
    const auto below = [&](std::string_view sub) { return std::string(type.plural) + "/" + std::string(sub); };
    if (type.status) list.push_back(entry(type, below("status"), {"get", "patch", "update"}));
    if (&type != &kinds::pods()) continue;
    list.push_back(entry(type, below("log"), {"get"}));
    for (const auto sub : {"attach", "exec", "portforward"}) {
      json::value e = entry(type, below(sub), {"create", "get"});
      e.get_object()["kind"] = std::string_view(sub) == "attach" ? "PodAttachOptions"
                               : std::string_view(sub) == "exec" ? "PodExecOptions"
                                                                 : "PodPortForwardOptions";
      list.push_back(std::move(e));
    }
    json::value eviction = entry(type, below("eviction"), {"create"});
    eviction.get_object()["kind"] = "Eviction";
    eviction.get_object()["group"] = "policy";
    eviction.get_object()["version"] = "v1";
    list.push_back(std::move(eviction));
  }
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group.empty() ? "v1" : "coordination.k8s.io/v1"},
          {"resources", std::move(list)}};
}

/// Just enough OpenAPI for kubectl to see that the server validates fields and dry runs itself.
json::value openapi_document(std::string_view group) {
  const auto parameter = [](std::string_view name) {
    return json::value{{"name", json::string(name)}, {"in", "query"}, {"schema", {{"type", "string"}}}};
  };
  const json::array parameters = {parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")};
  json::object paths, schemas;
  for (const auto& type : resource_types()) {
    if (type.group != group) continue;
    const json::value gvk = {
        {"group", json::string(group)}, {"kind", json::string(type.kind)}, {"version", json::string(type.version)}};
    const auto operation = [&](std::string_view action) {
      return json::value{{"parameters", parameters},
                         {"responses", {{"200", {{"description", "OK"}}}}},
                         {"x-kubernetes-action", json::string(action)},
                         {"x-kubernetes-group-version-kind", gvk}};
    };
    std::string base = group.empty() ? "/api/v1/" : "/apis/coordination.k8s.io/v1/";
    if (type.namespaced) base += "namespaces/{namespace}/";
    base += type.plural;
    paths[base] = {{"post", operation("post")}};
    paths[base + "/{name}"] = {{"patch", operation("patch")}, {"put", operation("put")}};
    schemas["io.k8s.api." + std::string(group.empty() ? "core" : "coordination") + ".v1." + std::string(type.kind)] = {
        {"type", "object"},
        {"x-kubernetes-group-version-kind", json::array{gvk}},
        {"x-kubernetes-preserve-unknown-fields", true}};
  }
  return {{"openapi", "3.0.0"},
          {"info", {{"title", "Kubernetes"}, {"version", git_version}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", std::move(schemas)}}}};
}

}  // namespace

std::string openapi_v2_protobuf() {
  const auto field = [](int number, const std::string& text) {
    return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(text.size()) + text;
  };
  // Document {swagger = 1, info = 2 {title = 1, version = 2}, paths = 8 {}}
  return field(1, "2.0") + field(2, field(1, "Kubernetes") + field(2, git_version)) + field(8, "");
}

std::optional<std::string> fixed_document(const std::vector<std::string>& segments) {
  std::string path;
  for (const auto& segment : segments) path += "/" + segment;
  if (path == "/version") return json::serialize(version_document());
  if (path == "/api")
    return json::serialize(json::value{
        {"kind", "APIVersions"}, {"versions", json::array{"v1"}}, {"serverAddressByClientCIDRs", json::array()}});
  if (path == "/apis")
    return json::serialize(
        json::value{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", json::array{group_document()}}});
  if (path == "/apis/coordination.k8s.io") {
    json::value group = group_document();
    group.get_object()["kind"] = "APIGroup";
    group.get_object()["apiVersion"] = "v1";
    return json::serialize(group);
  }
  if (path == "/api/v1") return json::serialize(resources_document(""));
  if (path == "/apis/coordination.k8s.io/v1") return json::serialize(resources_document(coordination));
  if (path == "/openapi/v3")
    return json::serialize(
        json::value{{"paths",
                     {{"api/v1", {{"serverRelativeURL", "/openapi/v3/api/v1?hash=1"}}},
                      {"apis/coordination.k8s.io/v1",
                       {{"serverRelativeURL", "/openapi/v3/apis/coordination.k8s.io/v1?hash=1"}}}}}});
  if (path == "/openapi/v3/api/v1") return json::serialize(openapi_document(""));
  if (path == "/openapi/v3/apis/coordination.k8s.io/v1") return json::serialize(openapi_document(coordination));
  return std::nullopt;
}

}  // namespace atrium::devcluster
