/// @file project.hpp - people of a project, its state machine, requests for action and the timeline of a start.
/// Layer: apps/domain. JSON shapes: docs/protocols.md section 4 and the columns of `projects`.
#pragma once

#include <boost/json/fwd.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"
#include "atrium/base/trace.hpp"

namespace atrium::domain {

// ---- people ----

enum class project_group : std::uint8_t { owner, collaborator };
std::string_view to_string(project_group) noexcept;

/// projects.users: account -> group. Other members of an entry (hide, upgrades, ssh_keys) stay in the database.
using project_users = std::map<account_id, project_group>;
/// Entries that are malformed give nobody access: they are left out.
project_users parse_users(std::string_view json);

/// What somebody may do with a project.
enum class project_right : std::uint8_t {
  see,            ///< rows, log, timeline
  work,           ///< start, stop, files, terminals, title and description
  invite,         ///< add collaborators
  remove_others,  ///< remove other people
  remove,         ///< delete and undelete
};
/// Collaborators see, work and invite; everything is the owner's. Without `group` nothing is allowed.
bool may(std::optional<project_group> group, project_right) noexcept;
/// Who may take `whom` out: everyone themselves (the last owner excepted), owners everyone else.
/// @errors denied, not_found (`whom` is no member), conflict (last owner)
result<void> may_remove_collaborator(const project_users&, account_id who, account_id whom);

// ---- state ----

enum class state_name : std::uint8_t {
  archived,
  unarchiving,
  archiving,
  closed,
  opening,
  closing,
  opened,
  starting,
  pending,
  running,
  stopping
};
std::string_view to_string(state_name) noexcept;
std::optional<state_name> parse_state_name(std::string_view) noexcept;
/// archived, closed, opened, pending, running: stays until somebody asks for something else.
bool is_stable(state_name) noexcept;
/// Whether a pod may exist in that state.
bool has_pod(state_name) noexcept;
/// How long a passing state may last before a watchdog steps in; zero for stable ones.
std::chrono::seconds time_limit(state_name) noexcept;
/// Which state may follow which (a state may be written again). A project whose pod vanished goes to opened from
/// anywhere.
bool may_follow(state_name from, state_name to) noexcept;

/// projects.state; a project that was never started is `opened`.
struct project_state {
  state_name state = state_name::opened;
  std::optional<timestamp> time;
  std::string ip;     ///< of the pod; empty: none
  std::string error;  ///< a sentence for people; empty: none
  bool operator==(const project_state&) const = default;
};
project_state parse_state(std::string_view json);
std::string to_json(const project_state&);

// ---- requests ----

enum class action_name : std::uint8_t { start, stop, restart };
std::string_view to_string(action_name) noexcept;
std::optional<action_name> parse_action_name(std::string_view) noexcept;

/// projects.action_request
struct action_request {
  action_name action = action_name::start;
  timestamp time{};                   ///< when it was asked for
  std::optional<timestamp> started;   ///< a worker took it
  std::optional<timestamp> finished;  ///< it is done, or failed with `err`
  std::string err;                    ///< a sentence for people
  trace::id trace;                    ///< of the action that asked
  bool pending() const noexcept { return !finished; }
  bool operator==(const action_request&) const = default;
};
std::optional<action_request> parse_action_request(std::string_view json);
std::string to_json(const action_request&);

// ---- timeline of a start ----

enum class start_phase : std::uint8_t { queued, accepted, created, scheduled, pulled, started, ready, failed };
std::string_view to_string(start_phase) noexcept;
std::optional<start_phase> parse_start_phase(std::string_view) noexcept;

/// projects.status.start
struct start_timeline {
  std::map<start_phase, timestamp> phases;
  std::string reason;  ///< why it failed, or what it waits for
  trace::id trace;     ///< of the action that asked for this start
  bool operator==(const start_timeline&) const = default;
};
/// Takes the whole status object.
start_timeline parse_timeline(std::string_view status_json);
/// The object below "start".
std::string to_json(const start_timeline&);

}  // namespace atrium::domain
