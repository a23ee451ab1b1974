/// @file usage.hpp - asks running projects what they use and whether anybody works in them. Layer: apps/manage-state.
#pragma once

#include <map>

#include "apps/manage-state/pod_cache.hpp"
#include "apps/store/project_usage.hpp"

namespace atrium::manage_state {

/// What `GET /status` on port 6000 of a project says. @errors invalid
struct project_report {
  std::int64_t memory_bytes = 0;
  double cpu_seconds = 0;
  domain::timestamp last_activity{};
};
result<project_report> parse_report(std::string_view json, domain::timestamp now);

class usage_poller {
 public:
  usage_poller(pod_cache& pods, store::project_usage& usage, rt::duration interval = std::chrono::seconds(30));
  /// The leader's work, until cancelled.
  rt::task<void> run();
  /// One round over all projects that are ready.
  rt::task<void> poll_all();

 private:
  struct target {
    domain::project_id project;
    std::string ip, secret;
  };
  rt::task<void> ask(const target&, std::vector<store::usage>& into);
  rt::task<void> ask_some(std::vector<target>& waiting, std::vector<store::usage>& into);
  bool worth_writing(const store::usage&);

  pod_cache& pods_;
  store::project_usage& usage_;
  rt::duration interval_;
  net::http_client http_;
  std::map<domain::project_id, store::usage> written_;
};

}  // namespace atrium::manage_state
