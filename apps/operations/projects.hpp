/// @file projects.hpp - what people do with projects, with the permission checks; written to project_log.
/// Projects of others are not_found: nobody learns that they exist. Layer: apps/operations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/store/project_actions.hpp"
#include "apps/store/project_log.hpp"
#include "apps/store/projects.hpp"

namespace atrium::operations {

/// Every function takes the account that asks. @errors not_found (no such project for it), invalid (bad input), denied
/// (a collaborator who asks for what owners may do), conflict
class projects {
 public:
  explicit projects(pg::pool& pool) noexcept : pool_(pool) {}

  struct creation {
    std::string title, description;
    bool start = false;
  };
  rt::task<domain::project_id> create(domain::account_id who, creation);
  rt::task<store::project> get(domain::account_id who, domain::project_id);
  rt::task<std::vector<store::project>> list(domain::account_id who, store::projects::list_options = {});
  /// Empty members stay as they are.
  rt::task<void> update(domain::account_id who, domain::project_id, std::optional<std::string> title,
                        std::optional<std::string> description);
  /// Also asks a running one to stop.
  rt::task<void> remove(domain::account_id who, domain::project_id);
  rt::task<void> undelete(domain::account_id who, domain::project_id);

  rt::task<void> start(domain::account_id who, domain::project_id);
  rt::task<void> stop(domain::account_id who, domain::project_id);
  rt::task<void> restart(domain::account_id who, domain::project_id);
  rt::task<void> cancel_start(domain::account_id who, domain::project_id);
  /// start(), then waits until the project runs. @errors timed_out after `limit`; failed with the sentence that says
  /// why
  rt::task<void> start_and_wait(domain::account_id who, domain::project_id,
                                rt::duration limit = std::chrono::seconds(120));
  rt::task<void> stop_and_wait(domain::account_id who, domain::project_id,
                               rt::duration limit = std::chrono::seconds(60));

  /// A person by id or by e-mail address.
  struct whom {
    std::optional<domain::account_id> account_id;
    std::string email_address;
  };
  rt::task<void> add_collaborator(domain::account_id who, domain::project_id, whom);
  rt::task<void> remove_collaborator(domain::account_id who, domain::project_id, whom);
  rt::task<std::vector<store::collaborator>> collaborators(domain::account_id who, domain::project_id);
  rt::task<domain::start_timeline> timeline(domain::account_id who, domain::project_id);
  rt::task<std::vector<store::log_entry>> log(domain::account_id who, domain::project_id, int limit = 100);

 private:
  pg::pool& pool_;
};

}  // namespace atrium::operations
