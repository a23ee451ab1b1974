#include "apps/domain/quota.hpp"

#include <algorithm>
#include <cmath>

#include "apps/domain/json.hpp"

namespace atrium::domain {

namespace {

/// A number that makes sense as an amount, within what the arithmetic here can hold.
std::optional<double> amount_at(const boost::json::object& o, std::string_view key) {
  const auto n = number_at(o, key);
  if (!n || !std::isfinite(*n) || *n < 0 || *n > 1e12) return std::nullopt;
  return n;
}

std::int64_t whole(double amount) { return static_cast<std::int64_t>(std::floor(amount)); }

}  // namespace

default_quotas parse_default_quotas(std::string_view json) {
  const auto o = parse_object(json);
  default_quotas out;
  out.internet = bool_at(o, "internet").value_or(out.internet);
  if (const auto v = amount_at(o, "idle_timeout")) out.idle_timeout = whole(*v);
  if (const auto v = amount_at(o, "cpu"); v && *v > 0) out.cpu = *v;
  if (const auto v = amount_at(o, "cpu_oc")) out.cpu_oc = std::max(1.0, *v);
  if (const auto v = amount_at(o, "mem"); v && *v >= 1) out.mem = whole(*v);
  if (const auto v = amount_at(o, "mem_oc")) out.mem_oc = std::max(1.0, *v);
  if (const auto v = amount_at(o, "disk_quota"); v && *v >= 1) out.disk_quota = whole(*v);
  return out;
}

run_quota compute_run_quota(const default_quotas& defaults, std::string_view settings_json) {
  const auto settings = parse_object(settings_json);
  const auto larger = [&](double base, std::string_view key, double unit = 1) {
    return std::max(base, amount_at(settings, key).value_or(0) * unit);
  };
  const auto flag = [&](std::string_view key) { return bool_at(settings, key).value_or(false); };
  run_quota q;
  q.network = (defaults.internet || flag("network")) && !flag("disableInternet");
  q.member_host = flag("member_host");
  q.always_running = flag("always_running");
  q.privileged = flag("privileged");
  q.disk_quota = whole(larger(static_cast<double>(defaults.disk_quota), "disk_quota"));
  q.idle_timeout = whole(larger(static_cast<double>(defaults.idle_timeout), "mintime"));
  q.cpu_limit = larger(defaults.cpu, "cores");
  q.memory_limit = std::max<std::int64_t>(1000, whole(larger(static_cast<double>(defaults.mem), "memory")));
  const double cpu_request =
      std::max(larger(q.cpu_limit / defaults.cpu_oc, "cpu_shares", 1.0 / 1024), q.member_host ? 0.05 : 0.02);
  q.cpu_request = std::min(cpu_request, q.cpu_limit);
  const auto memory_request = whole(larger(static_cast<double>(q.memory_limit) / defaults.mem_oc, "memory_request"));
  q.memory_request = std::min(std::max<std::int64_t>(memory_request, q.member_host ? 300 : 200), q.memory_limit);
  return q;
}

run_quota parse_run_quota(std::string_view json) {
  const auto o = parse_object(json);
  run_quota q;
  const auto number = [&](std::string_view key, std::int64_t& into) {
    if (const auto v = amount_at(o, key)) into = whole(*v);
  };
  q.network = bool_at(o, "network").value_or(q.network);
  q.member_host = bool_at(o, "member_host").value_or(false);
  q.always_running = bool_at(o, "always_running").value_or(false);
  q.privileged = bool_at(o, "privileged").value_or(false);
  number("disk_quota", q.disk_quota);
  number("memory_limit", q.memory_limit);
  number("memory_request", q.memory_request);
  number("idle_timeout", q.idle_timeout);
  q.cpu_limit = amount_at(o, "cpu_limit").value_or(q.cpu_limit);
  q.cpu_request = amount_at(o, "cpu_request").value_or(q.cpu_request);
  return q;
}

std::string to_json(const run_quota& q) {
  return boost::json::serialize(boost::json::object{{"network", q.network},
                                                    {"member_host", q.member_host},
                                                    {"always_running", q.always_running},
                                                    {"privileged", q.privileged},
                                                    {"disk_quota", q.disk_quota},
                                                    {"memory_limit", q.memory_limit},
                                                    {"memory_request", q.memory_request},
                                                    {"cpu_limit", q.cpu_limit},
                                                    {"cpu_request", q.cpu_request},
                                                    {"idle_timeout", q.idle_timeout}});
}

}  // namespace atrium::domain
