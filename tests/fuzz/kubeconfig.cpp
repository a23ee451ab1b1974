// YAML of kubeconfig files and pod templates.
#include <boost/json.hpp>

#include "atrium/k8s/config.hpp"
#include "atrium/k8s/json.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto v = k8s::parse_yaml(text)) {
    const auto json = boost::json::serialize(*v);
    if (const auto again = k8s::parse_json(json))
      ATRIUM_ASSERT(boost::json::serialize(*again) == json, "JSON of YAML is JSON");
  }
  // Entries may name files: none outside of the (absent) folder.
  if (text.find("/dev") == std::string_view::npos && text.find("/proc") == std::string_view::npos)
    if (const auto c = k8s::parse_kubeconfig(text, "/nonexistent"))
      ATRIUM_ASSERT(!c->server.host.empty() && !c->path_prefix.ends_with('/'), "a configuration names a server");
  return 0;
}
