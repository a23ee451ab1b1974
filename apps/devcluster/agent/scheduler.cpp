#include "apps/devcluster/agent/scheduler.hpp"

#include <algorithm>
#include <cstdlib>

namespace atrium::devcluster {

namespace {

std::int64_t amount(const json::value& container, std::string_view resource) {
  const auto* asked = find(container, {"resources", "requests", resource});
  const auto parsed = asked ? parse_quantity(scalar_text(*asked)) : result<std::int64_t>(0);
  return parsed ? *parsed : 0;
}

std::int64_t allocatable(const json::value& node, std::string_view resource) {
  const auto parsed = parse_quantity(text_at(node, {"status", "allocatable", resource}));
  return parsed ? *parsed : 0;
}

bool expression_holds(const json::value& expression, const json::object& labels) {
  const auto key = text_at(expression, {"key"}), verb = text_at(expression, {"operator"});
  const auto* label = labels.if_contains(key);
  const std::string text = label ? scalar_text(*label) : std::string();
  const auto& values = array_at(expression, {"values"});
  const bool listed =
      label && std::any_of(values.begin(), values.end(), [&](const json::value& v) { return scalar_text(v) == text; });
  if (verb == "In") return listed;
  if (verb == "NotIn") return !listed;
  if (verb == "Exists") return label != nullptr;
  if (verb == "DoesNotExist") return label == nullptr;
  if (!label || values.empty()) return false;
  const long long mine = std::atoll(text.c_str()), other = std::atoll(scalar_text(values[0]).c_str());
  return verb == "Gt" ? mine > other : verb == "Lt" && mine < other;
}

bool selects(const json::value& pod, const json::value& node) {
  const auto& labels = object_at(node, {"metadata", "labels"});
  for (const auto& [key, value] : object_at(pod, {"spec", "nodeSelector"})) {
    const auto* label = labels.if_contains(key);
    if (!label || *label != value) return false;
  }
  const auto& terms = array_at(
      pod, {"spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"});
  return terms.empty() || std::any_of(terms.begin(), terms.end(), [&](const json::value& term) {
           const auto& all = array_at(term, {"matchExpressions"});
           return std::all_of(all.begin(), all.end(),
                              [&](const json::value& e) { return expression_holds(e, labels); });
         });
}

}  // namespace

room requests_of(const json::value& pod) {
  room sum, largest;
  for (const auto& c : array_at(pod, {"spec", "containers"})) {
    sum.cpu += amount(c, "cpu");
    sum.memory += amount(c, "memory");
  }
  for (const auto& c : array_at(pod, {"spec", "initContainers"})) {
    largest.cpu = std::max(largest.cpu, amount(c, "cpu"));
    largest.memory = std::max(largest.memory, amount(c, "memory"));
  }
  return {std::max(sum.cpu, largest.cpu), std::max(sum.memory, largest.memory)};
}

bool tolerates(const json::value& pod, const json::value& taint) {
  const auto& all = array_at(pod, {"spec", "tolerations"});
  return std::any_of(all.begin(), all.end(), [&](const json::value& t) {
    const auto effect = text_at(t, {"effect"}), key = text_at(t, {"key"}), verb = text_at(t, {"operator"});
    if (!effect.empty() && effect != text_at(taint, {"effect"})) return false;
    if (!key.empty() && key != text_at(taint, {"key"})) return false;
    if (verb == "Exists") return true;
    return !key.empty() && (verb.empty() || verb == "Equal") && text_at(t, {"value"}) == text_at(taint, {"value"});
  });
}

const json::value* untolerated(const json::value& pod, const json::value& node, std::string_view effect) {
  for (const auto& taint : array_at(node, {"spec", "taints"}))
    if (text_at(taint, {"effect"}) == effect && !tolerates(pod, taint)) return &taint;
  return nullptr;
}

result<void> fits(const json::value& pod, const json::value& node, room used) {
  const auto no = [](std::string why) {
    return api_error("Conflict", "0/1 nodes are available: 1 " + std::move(why) + ".");
  };
  if (true_at(node, {"spec", "unschedulable"})) return no("node(s) were unschedulable");
  for (const std::string_view effect : {"NoSchedule", "NoExecute"})
    if (const auto* taint = untolerated(pod, node, effect))
      return no("node(s) had untolerated taint {" + std::string(text_at(*taint, {"key"})) + ": " +
                std::string(text_at(*taint, {"value"})) + "}");
  if (!selects(pod, node)) return no("node(s) didn't match Pod's node affinity/selector");
  const room asked = requests_of(pod);
  if (asked.cpu > 0 && used.cpu + asked.cpu > allocatable(node, "cpu")) return no("Insufficient cpu");
  if (asked.memory > 0 && used.memory + asked.memory > allocatable(node, "memory")) return no("Insufficient memory");
  return {};
}

}  // namespace atrium::devcluster
