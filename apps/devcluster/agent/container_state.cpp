#include "apps/devcluster/agent/container_state.hpp"

#include <algorithm>

namespace atrium::devcluster {

namespace {

std::string names_where(const std::vector<const container_state*>& all, bool (*which)(const container_state&)) {
  std::string out;
  for (const auto* c : all)
    if (which(*c)) out += (out.empty() ? "" : " ") + c->name;
  return "[" + out + "]";
}

}  // namespace

json::value container_state::state() const {
  if (now == phase::running) return {{"running", {{"startedAt", rfc3339(started_at)}}}};
  json::value detail = {{"reason", reason}};
  if (!message.empty()) set_at(detail, {"message"}, json::string(message));
  if (now == phase::waiting) return {{"waiting", std::move(detail)}};
  set_at(detail, {"exitCode"}, exit_code);
  if (exit_code > 128 && exit_code < 160) set_at(detail, {"signal"}, exit_code - 128);
  set_at(detail, {"startedAt"}, json::string(rfc3339(started_at)));
  set_at(detail, {"finishedAt"}, json::string(rfc3339(finished_at)));
  set_at(detail, {"containerID"}, json::string(id));
  return {{"terminated", std::move(detail)}};
}

json::value container_state::status() const {
  return {{"name", name},
          {"state", state()},
          {"lastState", last},
          {"ready", ready},
          {"restartCount", restarts},
          {"image", image},
          {"imageID", id.empty() ? "" : "atrium://machine"},
          {"containerID", id},
          {"started", started}};
}

void container_state::remember_end() {
  if (now == phase::terminated) last = state();
}

std::string_view pod_phase(const std::vector<const container_state*>& containers, std::string_view restart_policy) {
  bool waiting = false, running = false, failed = false;
  for (const auto* c : containers) {
    const bool ended = c->now == container_state::phase::terminated;
    const bool again = ended && (restart_policy == "Always" || (restart_policy == "OnFailure" && c->exit_code != 0));
    // One that waits for its next start has run before: the pod goes on running.
    const bool first_start =
        c->now == container_state::phase::waiting && c->restarts == 0 && c->last == json::value(json::object());
    waiting = waiting || first_start;
    running = running || c->now == container_state::phase::running || again ||
              (c->now == container_state::phase::waiting && !first_start);
    failed = failed || (ended && c->exit_code != 0);
  }
  if (waiting) return "Pending";
  if (running) return "Running";
  return failed ? "Failed" : "Succeeded";
}

void set_condition(json::value& object, std::string_view type, bool holds, std::string_view reason,
                   std::string_view message, wall_time now) {
  auto& list = ensure_object(object, {"status"})["conditions"];
  if (!list.is_array()) list.emplace_array();
  json::value* condition = nullptr;
  for (auto& c : list.get_array())
    if (text_at(c, {"type"}) == type) condition = &c;
  if (!condition) {
    list.get_array().push_back({{"type", json::string(type)}});
    condition = &list.get_array().back();
  }
  const std::string_view word = holds ? "True" : "False";
  if (text_at(*condition, {"status"}) != word) set_at(*condition, {"lastTransitionTime"}, json::string(rfc3339(now)));
  set_at(*condition, {"status"}, json::string(word));
  for (const auto& [field, text] :
       {std::pair<std::string_view, std::string_view>("reason", reason), {"message", message}}) {
    if (text.empty()) erase_at(*condition, {field});
    else set_at(*condition, {field}, json::string(text));
  }
}

void write_status(json::value& pod, const pod_picture& picture, wall_time now) {
  auto& status = ensure_object(pod, {"status"});
  const auto policy = text_at(pod, {"spec", "restartPolicy"});
  const bool initialized = std::all_of(picture.init.begin(), picture.init.end(), [](const auto* c) {
    return c->now == container_state::phase::terminated && c->exit_code == 0;
  });
  const bool init_failed = std::any_of(picture.init.begin(), picture.init.end(), [&](const auto* c) {
    return c->now == container_state::phase::terminated && c->exit_code != 0 && policy == "Never";
  });
  const auto phase = init_failed ? "Failed" : initialized ? pod_phase(picture.containers, policy) : "Pending";
  status["phase"] = json::string(phase);
  status["hostIP"] = "127.0.0.1";
  status["hostIPs"] = json::array{{{"ip", "127.0.0.1"}}};
  if (picture.started_at != wall_time()) status["startTime"] = rfc3339(picture.started_at);
  if (!picture.address.empty()) {
    status["podIP"] = picture.address;
    status["podIPs"] = json::array{{{"ip", picture.address}}};
  }
  for (const auto& [field, list] :
       {std::pair("initContainerStatuses", &picture.init), std::pair("containerStatuses", &picture.containers)}) {
    if (list->empty()) continue;
    json::array all;
    for (const auto* c : *list) all.push_back(c->status());
    status[field] = std::move(all);
  }
  const bool ended = phase == "Succeeded" || phase == "Failed";
  const bool ready =
      initialized && !ended &&
      std::all_of(picture.containers.begin(), picture.containers.end(), [](const auto* c) { return c->ready; });
  const std::string not_ready =
      ended ? "" : "containers with unready status: " + names_where(picture.containers, [](const container_state& c) {
                     return !c.ready;
                   });
  const std::string_view why = phase == "Succeeded" ? "PodCompleted"
                               : phase == "Failed"  ? "PodFailed"
                                                    : "ContainersNotReady";
  set_condition(pod, "PodScheduled", true, "", "", now);
  set_condition(pod, "Initialized", initialized, initialized ? "" : "ContainersNotInitialized",
                initialized ? ""
                            : "containers with incomplete status: " +
                                  names_where(picture.init,
                                              [](const container_state& c) {
                                                return c.now != container_state::phase::terminated || c.exit_code != 0;
                                              }),
                now);
  set_condition(pod, "ContainersReady", ready, ready ? "" : why, ready ? "" : not_ready, now);
  set_condition(pod, "Ready", ready, ready ? "" : why, ready ? "" : not_ready, now);
}

}  // namespace atrium::devcluster
