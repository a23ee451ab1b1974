#include "apps/manage-action/judgement.hpp"

#include <algorithm>

#include "atrium/k8s/status.hpp"

namespace atrium::manage_action {

namespace {

std::string_view verb(domain::action_name action) {
  switch (action) {
    case domain::action_name::stop:
      return "stopped";
    case domain::action_name::restart:
      return "restarted";
    default:
      return "started";
  }
}

}  // namespace

rt::duration worth_repeating(const error& e, rt::duration limit) noexcept {
  switch (e.disposition()) {
    case disposition::overloaded:
    case disposition::disconnected:
    case disposition::timed_out:
      return limit;
    // 500s of the API server come from its storage being away.
    case disposition::failed:
      return e.code().starts_with("k8s.5") ? limit : rt::duration{};
    // A credential that is being replaced.
    case disposition::unauthenticated:
      return limit;
    // An API server that has just started does not know all permissions yet; one that is missing is told soon.
    case disposition::denied:
      return e.code() == "k8s.403" ? std::min<rt::duration>(limit, std::chrono::seconds(10)) : rt::duration{};
    default:
      return {};
  }
}

std::string sentence_for_people(const error& e, domain::action_name action) {
  const std::string could_not = "The project could not be " + std::string(verb(action));
  if (e.code() == k8s::code_quota)
    return could_not +
           " because all room for projects is in use. Stop another project, or ask an administrator for more room.";
  const bool from_api = e.code().starts_with("k8s.");
  switch (e.disposition()) {
    case disposition::overloaded:
    case disposition::disconnected:
    case disposition::timed_out:
      return could_not +
             " because the cluster does not answer. Try again in some minutes; if it stays so, tell an administrator.";
    case disposition::unauthenticated:
    case disposition::denied:
      return could_not +
             " because the cluster does not allow it. An administrator has to check the permissions of manage-action.";
    case disposition::not_found:
      if (from_api)
        return could_not + " because the cluster has no place (namespace) for it. An administrator has to create it.";
      break;
    case disposition::invalid:
      if (from_api)
        return could_not +
               " because the cluster refused its pod. An administrator has to check the pod template (ConfigMap "
               "project-pod).";
      break;
    default:
      break;
  }
  if (!from_api && !e.public_text().empty()) return e.public_text();
  return could_not + " because of an error in the cluster. Try again; if it stays so, tell an administrator.";
}

}  // namespace atrium::manage_action
