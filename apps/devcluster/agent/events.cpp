#include "apps/devcluster/agent/events.hpp"

namespace atrium::devcluster {

namespace {
constexpr std::size_t most_known = 4096;
}

void event_recorder::emit(const object& about, severity how, std::string_view reason, std::string message,
                          std::string_view field, std::string_view component) {
  const auto now = objects_.now();
  std::string key = std::string(about.uid()) + "\n" + std::string(reason) + "\n" + std::string(field) + "\n" + message;
  const std::string home(about.type().namespaced ? about.name_space() : "default");
  if (const auto known = known_.find(key); known != known_.end()) {
    const bool counted = objects_.modify(kinds::events(), home, known->second, {}, [&](json::value& event) {
      set_at(event, {"count"}, int_at(event, {"count"}).value_or(1) + 1);
      set_at(event, {"lastTimestamp"}, json::string(rfc3339(now)));
    });
    if (counted) return;
  }
  const std::string name = std::string(about.name()) + "." + new_uid().substr(0, 18);
  json::value event = {{"apiVersion", "v1"},
                       {"kind", "Event"},
                       {"metadata", {{"name", name}, {"namespace", home}}},
                       {"involvedObject",
                        {{"kind", json::string(about.type().kind)},
                         {"namespace", json::string(about.name_space())},
                         {"name", json::string(about.name())},
                         {"uid", json::string(about.uid())},
                         {"apiVersion", "v1"},
                         {"resourceVersion", std::to_string(about.revision())}}},
                       {"reason", json::string(reason)},
                       {"message", std::move(message)},
                       {"type", how == severity::warning ? "Warning" : "Normal"},
                       {"source", {{"component", json::string(component)}, {"host", node_}}},
                       {"firstTimestamp", rfc3339(now)},
                       {"lastTimestamp", rfc3339(now)},
                       {"eventTime", nullptr},
                       {"count", 1},
                       {"reportingComponent", json::string(component)},
                       {"reportingInstance", node_}};
  if (!field.empty()) set_at(event, {"involvedObject", "fieldPath"}, json::string(field));
  if (known_.size() >= most_known) known_.clear();  // a probe may say something new each time
  // An Event that cannot be written (its namespace is going) is no reason to stop.
  if (objects_.create(kinds::events(), home, std::move(event), {})) known_[std::move(key)] = name;
}

void event_recorder::forget(std::string_view uid) {
  const std::string prefix = std::string(uid) + "\n";
  for (auto at = known_.lower_bound(prefix); at != known_.end() && at->first.starts_with(prefix);)
    at = known_.erase(at);
}

}  // namespace atrium::devcluster
