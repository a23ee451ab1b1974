#include "atrium/k8s/resource.hpp"

#include "atrium/net/http.hpp"

namespace atrium::k8s {

std::string resource::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::string resource::collection_path(std::string_view ns) const {
  std::string path = group.empty() ? "/api/" : "/apis/" + std::string(group) + "/";
  path += version;
  if (namespaced && !ns.empty()) path += "/namespaces/" + net::percent_encode(ns);
  return path.append("/").append(plural);
}

std::string resource::object_path(std::string_view ns, std::string_view name, std::string_view subresource) const {
  std::string path = collection_path(ns) + "/" + net::percent_encode(name);
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace atrium::k8s
