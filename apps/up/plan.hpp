/// @file plan.hpp - which processes one machine runs, with their flags. Layer: apps/up.
#pragma once

#include "apps/up/child.hpp"

namespace atrium::up {

/// Where things are; see docs/protocols.md section 1.
struct layout {
  std::string program;                     ///< the atrium executable
  std::string state;                       ///< absolute
  std::string listen;                      ///< of the edge, host:port
  std::string web;                         ///< the built browser application
  std::string database;                    ///< libpq connection string
  std::string content_host = "localhost";  ///< projects' ports and pages are shown below it
  std::string cluster;                     ///< kubeconfig of a Kubernetes to use; empty: a devcluster of our own
  std::string name_space = "default";      ///< of its ConfigMaps and project pods

  std::string run() const { return state + "/run"; }
  std::string kubeconfig() const { return cluster.empty() ? state + "/kubeconfig" : cluster; }
  std::string socket(const std::string& service) const { return "unix:" + run() + "/" + service + ".sock"; }
  std::string log(const std::string& service) const { return state + "/logs/" + service + ".log"; }
};

/// devcluster: everything else that talks to Kubernetes comes after it.
child_spec devcluster(const layout&);
/// The services, in the order in which they are to be stopped: the edge first. `door`: a socket that listens at
/// layout::listen, for the edge. It stays open here, so that who comes while the edge is started again waits a moment.
std::vector<child_spec> services(const layout&, int door);

}  // namespace atrium::up
