// Patches and selectors that clients send to devcluster's API.
#include <boost/json.hpp>

#include "apps/devcluster/store/patch.hpp"
#include "apps/devcluster/store/selectors.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::devcluster;

namespace {

std::optional<json::value> parse(std::string_view text) {
  json::error_code problem;
  auto v = json::parse(text, problem);
  return problem ? std::nullopt : std::optional(std::move(v));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto object_text = in.part(), patch_text = in.part();
  const auto labels = label_selector::parse(in.part());
  const auto fields = field_selector::parse(in.part(), kinds::pods());
  if (const auto quantity = parse_quantity(patch_text); quantity) (void)*quantity;
  (void)parse_rfc3339(patch_text);
  auto object = parse(object_text);
  if (!object) return 0;
  if (fields) (void)fields->matches(*object);
  if (labels && object->is_object()) (void)labels->matches(object->get_object());
  const auto patch = parse(patch_text);
  if (!patch) return 0;
  auto merged = *object;
  apply_merge_patch(merged, *patch);
  auto twice = merged;
  apply_merge_patch(twice, *patch);
  ATRIUM_ASSERT(twice == merged, "a merge patch twice is a merge patch once");
  auto patched = *object;
  if (!apply_json_patch(patched, *patch)) ATRIUM_ASSERT(patched == *object, "a failed JSON patch changes nothing");
  ATRIUM_ASSERT(json::serialize(patched).size() < 16u << 20, "a small patch makes no giant");
  auto strategic = *object;
  (void)apply_strategic_patch(strategic, *patch);
  (void)json::serialize(strategic);
  return 0;
}
