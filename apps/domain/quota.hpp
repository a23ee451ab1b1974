/// @file quota.hpp - what a project may use: run_quota from site defaults and an administrator's settings, and the
/// requests and limits of its pod. Layer: apps/domain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace atrium::domain {

/// Site setting `default_quotas`:
/// {"internet","idle_timeout"(s),"cpu"(cores),"cpu_oc","mem"(MB),"mem_oc","disk_quota"(MB)}.
struct default_quotas {
  bool internet = true;
  std::int64_t idle_timeout = 3600;
  double cpu = 1, cpu_oc = 10;
  std::int64_t mem = 1000;
  double mem_oc = 5;
  std::int64_t disk_quota = 3000;
};
/// Missing or senseless members keep their defaults; over-commit ratios are at least 1.
default_quotas parse_default_quotas(std::string_view json);

/// projects.run_quota; memory and disk in MB, CPU in cores, idle_timeout in seconds (0: never).
struct run_quota {
  bool network = true, member_host = false, always_running = false, privileged = false;
  std::int64_t disk_quota = 3000, memory_limit = 1000, memory_request = 200, idle_timeout = 3600;
  double cpu_limit = 1, cpu_request = 0.1;
  bool operator==(const run_quota&) const = default;
};

/// `settings_json` is projects.settings (an administrator's per-project values: network, member_host, always_running,
/// memory (MB), memory_request, cores, cpu_shares (1024 = one core of request), disk_quota, mintime (s), privileged,
/// disableInternet). Each value is the larger of default and setting. request = max(explicit request, limit /
/// over-commit), never above the limit; floors: CPU request 0.05 (member host) or 0.02, memory request 300 or 200,
/// memory limit 1000.
run_quota compute_run_quota(const default_quotas&, std::string_view settings_json = "{}");

run_quota parse_run_quota(std::string_view json);
std::string to_json(const run_quota&);

}  // namespace atrium::domain
