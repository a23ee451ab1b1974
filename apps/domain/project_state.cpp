// States of a project, requests for action and the timeline of a start.
#include <algorithm>
#include <array>

#include "apps/domain/json.hpp"
#include "apps/domain/project.hpp"

namespace atrium::domain {

namespace {

using enum state_name;

constexpr std::array<std::string_view, 11> state_names = {"archived", "unarchiving", "archiving", "closed",
                                                          "opening",  "closing",     "opened",    "starting",
                                                          "pending",  "running",     "stopping"};
constexpr std::array<std::string_view, 3> action_names = {"start", "stop", "restart"};
constexpr std::array<std::string_view, 8> phase_names = {"queued", "accepted", "created", "scheduled",
                                                         "pulled", "started",  "ready",   "failed"};

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view text) noexcept {
  const auto at = std::find(names.begin(), names.end(), text);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

}  // namespace

std::string_view to_string(state_name s) noexcept { return state_names[static_cast<std::size_t>(s)]; }
std::optional<state_name> parse_state_name(std::string_view text) noexcept {
  return find_name<state_name>(state_names, text);
}

bool is_stable(state_name s) noexcept {
  return s == archived || s == closed || s == opened || s == pending || s == running;
}

bool has_pod(state_name s) noexcept { return s == starting || s == pending || s == running || s == stopping; }

std::chrono::seconds time_limit(state_name s) noexcept {
  switch (s) {
    case unarchiving:
    case opening:
      return std::chrono::seconds(1800);
    case archiving:
    case closing:
      return std::chrono::seconds(300);
    case starting:
    case stopping:
      return std::chrono::seconds(60);
    default:
      return std::chrono::seconds(0);
  }
}

bool may_follow(state_name from, state_name to) noexcept {
  if (from == to || to == opened) return true;
  switch (to) {
    case archived:
      return from == archiving || from == closed;
    case unarchiving:
      return from == archived;
    case archiving:
      return from == closed || from == opened;
    case closed:
      return from == closing || from == unarchiving || from == archiving;
    case opening:
      return from == closed || from == archived || from == unarchiving;
    case closing:
      return true;
    case starting:
      return from == opened || from == pending || from == closed || from == archived || from == opening ||
             from == running;
    case pending:
      return from == opened || from == starting;
    case running:
      return from == starting || from == pending || from == opened;
    case stopping:
      return from == running || from == starting || from == pending;
    case opened:
      return true;
  }
  return false;
}

project_state parse_state(std::string_view json) {
  const auto o = parse_object(json);
  project_state out;
  if (const auto name = string_at(o, "state"))
    if (const auto state = parse_state_name(*name)) out.state = *state;
  out.time = time_at(o, "time");
  out.ip = string_at(o, "ip").value_or("");
  out.error = string_at(o, "error").value_or("");
  return out;
}

std::string to_json(const project_state& s) {
  boost::json::object o{{"state", to_string(s.state)}};
  if (s.time) o["time"] = to_iso8601(*s.time);
  if (!s.ip.empty()) o["ip"] = s.ip;
  if (!s.error.empty()) o["error"] = s.error;
  return boost::json::serialize(o);
}

std::string_view to_string(action_name a) noexcept { return action_names[static_cast<std::size_t>(a)]; }
std::optional<action_name> parse_action_name(std::string_view text) noexcept {
  return find_name<action_name>(action_names, text);
}

std::optional<action_request> parse_action_request(std::string_view json) {
  const auto o = parse_object(json);
  const auto action = parse_action_name(string_at(o, "action").value_or(""));
  if (!action) return std::nullopt;
  action_request out;
  out.action = *action;
  out.time = time_at(o, "time").value_or(timestamp{});
  out.started = time_at(o, "started");
  out.finished = time_at(o, "finished");
  out.err = string_at(o, "err").value_or("");
  out.trace = trace::parse(string_at(o, "trace").value_or(""));
  return out;
}

std::string to_json(const action_request& r) {
  boost::json::object o{{"action", to_string(r.action)},
                        {"time", to_iso8601(r.time)},
                        {"started", time_or_null(r.started)},
                        {"finished", time_or_null(r.finished)}};
  if (!r.err.empty()) o["err"] = r.err;
  if (r.trace) o["trace"] = r.trace.text();
  return boost::json::serialize(o);
}

std::string_view to_string(start_phase p) noexcept { return phase_names[static_cast<std::size_t>(p)]; }
std::optional<start_phase> parse_start_phase(std::string_view text) noexcept {
  return find_name<start_phase>(phase_names, text);
}

start_timeline parse_timeline(std::string_view status_json) {
  const auto status = parse_object(status_json);
  const auto* start = status.if_contains("start");
  if (!start || !start->is_object()) return {};
  start_timeline out;
  for (const auto& name : phase_names)
    if (const auto time = time_at(start->get_object(), name)) out.phases.emplace(*parse_start_phase(name), *time);
  out.reason = string_at(start->get_object(), "reason").value_or("");
  out.trace = trace::parse(string_at(start->get_object(), "trace").value_or(""));
  return out;
}

std::string to_json(const start_timeline& t) {
  boost::json::object o;
  for (const auto& [phase, time] : t.phases) o[to_string(phase)] = to_iso8601(time);
  if (!t.reason.empty()) o["reason"] = t.reason;
  if (t.trace) o["trace"] = t.trace.text();
  return boost::json::serialize(o);
}

}  // namespace atrium::domain
