/// @file site.hpp - Atrium as pods on the cluster that tests/cluster/run has brought up.
#pragma once

#include "atrium/k8s/client.hpp"
#include "atrium/k8s/objects.hpp"
#include "atrium/rt/process.hpp"
#include "tests/integration/system/person.hpp"

namespace atrium::tests {

inline constexpr const char* site_namespace = "atrium";

/// The site as one loop sees it. Environment: KUBECONFIG, PATH with kubectl, ATRIUM_TEST_KUBE (tools/kube),
/// ATRIUM_TEST_DATABASE (conninfo).
class site {
 public:
  site();
  /// Finds the edge's pod on the first node, which no test takes away.
  rt::task<void> find();

  net::http_client& client() noexcept { return client_; }
  const net::origin& address() const noexcept { return address_; }
  k8s::client& api() noexcept { return api_; }

  /// Output of a command, which must succeed. @errors failed with what it said
  rt::task<std::string> command(std::vector<std::string> argv, std::string input = {});
  rt::task<std::string> kubectl(std::vector<std::string> arguments, std::string input = {});
  rt::task<std::string> kube(std::vector<std::string> arguments);  ///< tools/kube
  /// "<state> <error>" of a project, as the database has it.
  rt::task<std::string> state_of(std::string project);
  /// @errors not_found
  rt::task<k8s::pod> pod_of(std::string project);
  /// New pods go to that node only; "": to all.
  rt::task<void> schedule_only_on(std::string node);

 private:
  net::origin address_;
  net::http_client client_{{.connect_timeout = std::chrono::seconds(3), .response_timeout = std::chrono::seconds(130)}};
  k8s::client api_;
};

std::string project_pod(const std::string& project);

}  // namespace atrium::tests
