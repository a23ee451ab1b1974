/// @file agent.hpp - the node: places pods on itself, runs them, answers calls to them. Layer: apps/devcluster.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "apps/devcluster/agent/pod_worker.hpp"
#include "apps/devcluster/agent/scheduler.hpp"
#include "apps/devcluster/server/front.hpp"

namespace atrium::devcluster {

struct agent_options {
  std::string state, projects, node;
  bool keep_pods = false;  ///< pods go on when devcluster ends in good order
};

class node_agent : public pod_calls {
 public:
  /// @errors not_found (no bubblewrap), denied
  node_agent(registry& objects, agent_options options);
  ~node_agent() override;

  /// Registers the node, takes up pods that it had, then follows the store. Runs until cancelled.
  rt::task<void> run();
  /// Ends all pods, or lets them go on; returns when that is done. `grace` bounds it.
  rt::task<void> shut_down(std::chrono::seconds grace);

  rt::task<void> serve(net::exchange& ex, const pod_call& call) override;

 private:
  void consider(const object_ptr& pod);
  void place(const object_ptr& pod);
  void place_waiting();
  void evict_untolerating();
  void removed(const object_ptr& pod);
  room used() const;
  rt::task<void> run_pod(std::shared_ptr<pod_worker> worker, std::string uid);
  rt::task<void> heartbeat();
  rt::task<void> trim_logs();
  void remove_strays();
  object_ptr own_node() const;

  registry& objects_;
  agent_options options_;
  event_recorder events_;
  cgroup_tree cgroups_;
  net::http_client http_;
  node_context node_;
  std::map<std::string, std::shared_ptr<pod_worker>, std::less<>> workers_;  // by uid
  std::set<std::string> waiting_;                                            // keys of pods without a node
  rt::condition changed_;
  rt::scope pods_;
  bool closing_ = false;
};

}  // namespace atrium::devcluster
