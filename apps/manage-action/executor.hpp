/// @file executor.hpp - carries out one claimed request, from any point where a predecessor may have died. Layer:
/// apps/manage-action.
#pragma once

#include "apps/manage-action/site.hpp"
#include "apps/store/project_actions.hpp"
#include "apps/store/settings.hpp"
#include "atrium/k8s/client.hpp"
#include "atrium/k8s/objects.hpp"

namespace atrium::manage_action {

struct executor_options {
  std::vector<std::string> namespaces;  ///< of project pods, not empty
  std::string project_tag;
  rt::duration retry_limit = std::chrono::minutes(2);   ///< then people are told
  rt::duration vanish_limit = std::chrono::minutes(3);  ///< how long an old pod may take to go
};

class executor {
 public:
  executor(k8s::client& api, store::project_actions& actions, store::server_settings& settings, site_templates& site,
           executor_options options)
      : api_(api), actions_(actions), settings_(settings), site_(site), options_(std::move(options)) {}

  /// Acts and finishes the request, with a sentence for people when it failed. Every step may be repeated.
  /// @errors those of the database: the request is unfinished and has to be claimed anew
  /// @cancel gives the claim back
  rt::task<void> carry_out(store::claimed_action);

 private:
  rt::task<std::optional<domain::run_quota>> act(const store::claimed_action&);
  rt::task<domain::run_quota> start(const store::claimed_action&);
  rt::task<void> stop(const store::claimed_action&);
  rt::task<bool> has_new_pod(const store::claimed_action&);
  boost::json::value make_pod(const store::claimed_action&, const domain::run_quota&) const;
  rt::task<std::optional<k8s::pod>> ensure_pod(domain::project_id, const boost::json::value& pod);
  rt::task<std::optional<k8s::pod>> usable_old_pod(domain::project_id);
  rt::task<bool> remove_pod(domain::project_id);
  rt::task<void> write_state(const store::claimed_action&, domain::state_name,
                             std::vector<domain::state_name> only_from, std::string ip = {});
  rt::task<domain::default_quotas> quotas();
  template <class F>
  rt::task<void> with_retries(F attempt);

  k8s::client& api_;
  store::project_actions& actions_;
  store::server_settings& settings_;
  site_templates& site_;
  executor_options options_;
  std::optional<domain::default_quotas> quotas_;
  rt::time_point quotas_read_{};
};

}  // namespace atrium::manage_action
