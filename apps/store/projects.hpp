/// @file projects.hpp - table projects: people, titles, states, grants. Layer: apps/store.
/// Requests for action, leases and what workers write: project_actions.hpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/domain/project.hpp"
#include "apps/domain/quota.hpp"
#include "apps/store/accounts.hpp"
#include "apps/store/columns.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::store {

struct project {
  domain::project_id project_id;
  std::string title, description;
  domain::project_users users;
  domain::project_state state;
  std::optional<domain::action_request> action_request;
  std::string status = "{}";       ///< JSON; has the timeline of the last start
  std::string last_active = "{}";  ///< JSON: account -> time
  std::optional<domain::timestamp> created, last_edited, last_started;
  bool deleted = false;

  std::optional<domain::project_group> group_of(domain::account_id) const noexcept;
};
/// From columns of the table as text: a query's row or a tuple of the change stream. Unknown JSON gives empty values.
project project_from(const column_source&);

struct collaborator {
  store::person person;
  domain::project_group group = domain::project_group::collaborator;
};

/// What hub-proxy and exec need to reach a project in somebody's name.
struct project_access {
  domain::project_group group = domain::project_group::collaborator;
  domain::project_state state;
  std::string secret_token;
  std::string user_name;  ///< full name of the account, for X-Atrium-User
};
/// Somebody's right to a project, as rechecked.
struct grant {
  domain::project_id project_id;
  domain::account_id account_id;
  auto operator<=>(const grant&) const = default;
};

class projects {
 public:
  explicit projects(pg::pool& pool) noexcept : pool_(pool) {}

  struct new_project {
    domain::account_id owner;
    std::string title, description;
  };
  /// With a fresh secret token, state `opened`, not started.
  rt::task<project> create(const new_project&);
  rt::task<std::optional<project>> get(domain::project_id);
  struct list_options {
    bool deleted = false;  ///< the deleted ones instead
    int limit = 300;
    std::optional<domain::timestamp> edited_since;
  };
  /// An account's projects, newest last_edited first. One query.
  rt::task<std::vector<project>> list_for(domain::account_id);
  rt::task<std::vector<project>> list_for(domain::account_id, list_options);
  rt::task<std::vector<collaborator>> collaborators(domain::project_id);

  /// Each of these is one conditional UPDATE that also checks that `who` may do it; false: no such project for `who`.
  rt::task<bool> update(domain::project_id, domain::account_id who, std::optional<std::string> title,
                        std::optional<std::string> description);
  rt::task<bool> set_deleted(domain::project_id, domain::account_id who, bool deleted);  ///< owners only
  rt::task<bool> add_collaborator(domain::project_id, domain::account_id who, domain::account_id whom);
  /// Permission and last-owner rules of domain::may_remove_collaborator, on the locked row.
  /// @errors not_found, denied, conflict
  rt::task<void> remove_collaborator(domain::project_id, domain::account_id who, domain::account_id whom);

  /// Empty: no such project for this account (deleted ones included). One indexed query.
  rt::task<std::optional<project_access>> find_for_proxy(domain::project_id, domain::account_id);
  /// Which of these grants still hold, in the order asked. One query for any number.
  rt::task<std::vector<bool>> still_granted(std::span<const grant>);
  /// Records that people work in projects: last_edited and last_active, for rows where they are older than 30 s.
  rt::task<void> touch(std::span<const grant>);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
