// YAML of kubeconfig files and pod templates.
#include <algorithm>
#include <boost/json.hpp>

#include "atrium/k8s/config.hpp"
#include "atrium/k8s/json.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

namespace {

/// Boost.JSON reads some long decimals one unit in the last place off, so doubles need not say themselves again.
bool has_double(const boost::json::value& v) {
  if (const auto* a = v.if_array()) return std::any_of(a->begin(), a->end(), has_double);
  if (const auto* o = v.if_object())
    return std::any_of(o->begin(), o->end(), [](const auto& member) { return has_double(member.value()); });
  return v.is_double();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto v = k8s::parse_yaml(text)) {
    const auto json = boost::json::serialize(*v);
    if (const auto again = k8s::parse_json(json))
      ATRIUM_ASSERT(has_double(*v) || boost::json::serialize(*again) == json, "JSON of YAML is JSON");
  }
  // Entries may name files: none outside of the (absent) folder.
  if (text.find("/dev") == std::string_view::npos && text.find("/proc") == std::string_view::npos)
    if (const auto c = k8s::parse_kubeconfig(text, "/nonexistent"))
      ATRIUM_ASSERT(!c->server.host.empty() && !c->path_prefix.ends_with('/'), "a configuration names a server");
  return 0;
}
