#include "apps/devcluster/api/table.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace atrium::devcluster {

namespace {

struct column {
  std::string_view name, type;
  int priority = 0;  ///< 1: only with -o wide
};

std::span<const column> columns_of(const resource_type& type) noexcept {
  static constexpr column pods[] = {{"Name", "string"},
                                    {"Ready", "string"},
                                    {"Status", "string"},
                                    {"Restarts", "string"},
                                    {"Age", "string"},
                                    {"IP", "string", 1},
                                    {"Node", "string", 1},
                                    {"Nominated Node", "string", 1},
                                    {"Readiness Gates", "string", 1}};
  static constexpr column nodes[] = {{"Name", "string"},
                                     {"Status", "string"},
                                     {"Roles", "string"},
                                     {"Age", "string"},
                                     {"Version", "string"},
                                     {"Internal-IP", "string", 1},
                                     {"External-IP", "string", 1},
                                     {"OS-Image", "string", 1},
                                     {"Kernel-Version", "string", 1},
                                     {"Container-Runtime", "string", 1}};
  static constexpr column namespaces[] = {{"Name", "string"}, {"Status", "string"}, {"Age", "string"}};
  static constexpr column config_maps[] = {{"Name", "string"}, {"Data", "string"}, {"Age", "string"}};
  static constexpr column secrets[] = {{"Name", "string"}, {"Type", "string"}, {"Data", "integer"}, {"Age", "string"}};
  static constexpr column leases[] = {{"Name", "string"}, {"Holder", "string"}, {"Age", "string"}};
  static constexpr column events[] = {{"Last Seen", "string"}, {"Type", "string"},          {"Reason", "string"},
                                      {"Object", "string"},    {"Subobject", "string", 1},  {"Source", "string", 1},
                                      {"Message", "string"},   {"First Seen", "string", 1}, {"Count", "integer", 1},
                                      {"Name", "string", 1}};
  if (type.plural == "pods") return pods;
  if (type.plural == "nodes") return nodes;
  if (type.plural == "configmaps") return config_maps;
  if (type.plural == "secrets") return secrets;
  if (type.plural == "leases") return leases;
  if (type.plural == "events") return events;
  return namespaces;
}

json::string or_none(std::string_view text) { return json::string(text.empty() ? "<none>" : text); }

std::string age_of(const json::value& object, path at, wall_time now) {
  const auto made = parse_rfc3339(text_at(object, at));
  if (!made) return "<unknown>";
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(now - *made));
}

json::array pod_cells(const json::value& pod, wall_time now) {
  std::int64_t restarts = 0, ready = 0;
  std::optional<wall_time> last_restart;
  for (const auto& status : array_at(pod, {"status", "containerStatuses"})) {
    restarts += int_at(status, {"restartCount"}).value_or(0);
    ready += true_at(status, {"ready"});
    if (const auto ended = parse_rfc3339(text_at(status, {"lastState", "terminated", "finishedAt"})))
      last_restart = std::max(last_restart.value_or(*ended), *ended);
  }
  std::string restart_text = std::to_string(restarts);
  if (restarts > 0 && last_restart)
    restart_text +=
        " (" + human_duration(std::chrono::duration_cast<std::chrono::seconds>(now - *last_restart)) + " ago)";
  const std::string ready_text =
      std::to_string(ready) + "/" + std::to_string(array_at(pod, {"spec", "containers"}).size());
  return {json::string(text_at(pod, {"metadata", "name"})),
          json::string(ready_text),
          json::string(pod_status_word(pod)),
          json::string(restart_text),
          json::string(age_of(pod, {"metadata", "creationTimestamp"}, now)),
          or_none(text_at(pod, {"status", "podIP"})),
          or_none(text_at(pod, {"spec", "nodeName"})),
          "<none>",
          "<none>"};
}

json::array node_cells(const json::value& node, wall_time now) {
  std::string status = "Unknown", roles, address;
  for (const auto& condition : array_at(node, {"status", "conditions"}))
    if (text_at(condition, {"type"}) == "Ready")
      status = text_at(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  if (true_at(node, {"spec", "unschedulable"})) status += ",SchedulingDisabled";
  for (const auto& [key, value] : object_at(node, {"metadata", "labels"}))
    if (std::string_view(key).starts_with("node-role.kubernetes.io/"))
      roles += (roles.empty() ? "" : ",") + std::string(key.substr(24));
  for (const auto& a : array_at(node, {"status", "addresses"}))
    if (text_at(a, {"type"}) == "InternalIP") address = text_at(a, {"address"});
  const auto info = [&](std::string_view field) { return or_none(text_at(node, {"status", "nodeInfo", field})); };
  return {json::string(text_at(node, {"metadata", "name"})),
          json::string(status),
          or_none(roles),
          json::string(age_of(node, {"metadata", "creationTimestamp"}, now)),
          info("kubeletVersion"),
          or_none(address),
          "<none>",
          info("osImage"),
          info("kernelVersion"),
          info("containerRuntimeVersion")};
}

json::array event_cells(const json::value& event, wall_time now) {
  const bool series = find(event, {"lastTimestamp"}) != nullptr;
  const auto seen = series ? age_of(event, {"lastTimestamp"}, now) : age_of(event, {"eventTime"}, now);
  std::string kind(text_at(event, {"involvedObject", "kind"}));
  std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string source(text_at(event, {"source", "component"}));
  if (const auto host = text_at(event, {"source", "host"}); !host.empty()) source += ", " + std::string(host);
  return {json::string(seen),
          json::string(text_at(event, {"type"})),
          json::string(text_at(event, {"reason"})),
          json::string(kind + "/" + std::string(text_at(event, {"involvedObject", "name"}))),
          json::string(text_at(event, {"involvedObject", "fieldPath"})),
          json::string(source),
          json::string(text_at(event, {"message"})),
          json::string(age_of(event, {"firstTimestamp"}, now)),
          int_at(event, {"count"}).value_or(1),
          json::string(text_at(event, {"metadata", "name"}))};
}

json::array cells_of(const resource_type& type, const json::value& object, wall_time now) {
  const auto name = json::string(text_at(object, {"metadata", "name"}));
  const auto age = json::string(age_of(object, {"metadata", "creationTimestamp"}, now));
  const auto count = [&] { return object_at(object, {"data"}).size() + object_at(object, {"binaryData"}).size(); };
  if (type.plural == "pods") return pod_cells(object, now);
  if (type.plural == "nodes") return node_cells(object, now);
  if (type.plural == "events") return event_cells(object, now);
  if (type.plural == "configmaps") return {name, json::string(std::to_string(count())), age};
  if (type.plural == "secrets") return {name, json::string(text_at(object, {"type"})), count(), age};
  if (type.plural == "leases") return {name, json::string(text_at(object, {"spec", "holderIdentity"})), age};
  return {name, json::string(text_at(object, {"status", "phase"})), age};
}

}  // namespace

bool wants_table(std::string_view accept) noexcept {
  const auto first = accept.substr(0, accept.find(','));
  return first.find("as=Table") != std::string_view::npos && first.find("json") != std::string_view::npos;
}

std::string human_duration(std::chrono::seconds age) {
  const std::int64_t s = age.count();
  if (s < 0) return s > -2 ? "0s" : "<invalid>";
  const auto two = [](std::int64_t big, char big_unit, std::int64_t small, char small_unit) {
    std::string out = std::to_string(big) + big_unit;
    if (small > 0) out += std::to_string(small) + small_unit;
    return out;
  };
  const std::int64_t minutes = s / 60, hours = s / 3600, days = hours / 24;
  if (s < 120) return std::to_string(s) + "s";
  if (minutes < 10) return two(minutes, 'm', s % 60, 's');
  if (minutes < 180) return std::to_string(minutes) + "m";
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return std::to_string(hours) + "h";
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  return std::to_string(days) + "d";
}

std::string pod_status_word(const json::value& pod) {
  std::string word(text_at(pod, {"status", "phase"}));
  if (const auto reason = text_at(pod, {"status", "reason"}); !reason.empty()) word = reason;
  for (const std::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    bool running = false;
    for (const auto& status : array_at(pod, {"status", list})) {
      const auto waiting = text_at(status, {"state", "waiting", "reason"}),
                 ended = text_at(status, {"state", "terminated", "reason"});
      const bool init_done =
          list == "initContainerStatuses" && int_at(status, {"state", "terminated", "exitCode"}) == 0;
      if (init_done) continue;
      if (!waiting.empty() && (list == "containerStatuses" || waiting != "PodInitializing")) word = waiting;
      else if (!ended.empty()) word = ended;
      running = running || find(status, {"state", "running"});
      if (list == "initContainerStatuses" && (!waiting.empty() || !ended.empty() || running))
        return "Init:" + (word.empty() ? "Running" : word);
    }
    if (word == "Completed" && running) word = "Running";
  }
  if (find(pod, {"metadata", "deletionTimestamp"})) word = "Terminating";
  return word;
}

std::string table_text(const resource_type& type, std::span<const object_ptr> rows, std::string_view resource_version,
                       std::string_view continue_at, std::string_view include, wall_time now) {
  json::array columns, lines;
  for (const auto& c : columns_of(type))
    columns.push_back({{"name", json::string(c.name)},
                       {"type", json::string(c.type)},
                       {"format", c.name == "Name" ? "name" : ""},
                       {"description", json::string(c.name)},
                       {"priority", c.priority}});
  for (const auto& row : rows) {
    json::value line = {{"cells", cells_of(type, row->value(), now)}};
    if (include == "Object") {
      set_at(line, {"object"}, row->value());
    } else if (include != "None") {
      const auto* metadata = find(row->value(), {"metadata"});
      set_at(line, {"object"},
             {{"kind", "PartialObjectMetadata"},
              {"apiVersion", "meta.k8s.io/v1"},
              {"metadata", metadata ? *metadata : json::value(json::object())}});
    }
    lines.push_back(std::move(line));
  }
  json::value meta = {{"resourceVersion", json::string(resource_version)}};
  if (!continue_at.empty()) set_at(meta, {"continue"}, json::string(continue_at));
  return json::serialize(json::value{{"kind", "Table"},
                                     {"apiVersion", "meta.k8s.io/v1"},
                                     {"metadata", std::move(meta)},
                                     {"columnDefinitions", std::move(columns)},
                                     {"rows", std::move(lines)}});
}

}  // namespace atrium::devcluster
