/// @file stage.hpp - a database, a namespace, processes of the services, and a test that plays the kubelet.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "apps/domain/project_pod.hpp"
#include "apps/store/accounts.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/project_actions.hpp"
#include "atrium/k8s/client.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/k8s/objects.hpp"
#include "atrium/pg/pool.hpp"
#include "atrium/rt/process.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/postgres.hpp"

namespace atrium::tests {

namespace json = boost::json;
using namespace std::chrono_literals;
using domain::action_name;
using domain::project_id;
using domain::state_name;

/// No node takes these pods: the test writes their status. They vanish at once when deleted, like all that no node has.
constexpr std::string_view pod_template = R"(
spec:
  nodeSelector: {atrium/no-such-node: "true"}
  containers: [{name: project}]
)";

class stage {
 public:
  static rt::task<std::unique_ptr<stage>> make(cluster& c, std::string conninfo);
  rt::task<void> clean_up();

  pg::pool pool;
  k8s::client api;
  store::project_actions actions{pool};
  store::projects projects{pool};
  domain::account_id owner;
  std::string ns;

  rt::task<void> put_templates(std::string_view pod = pod_template);
  /// Starts a service process with these further flags; gives its name here.
  void start(const std::string& name, const std::string& service, std::vector<std::string> flags = {});
  rt::process& process(const std::string& name) { return processes_.at(name); }
  rt::task<void> kill(const std::string& name);

  rt::task<project_id> make_project(std::string title = "p");
  rt::task<store::project> row(project_id);
  rt::task<std::optional<k8s::pod>> pod(project_id);
  rt::task<void> set_status(project_id, json::value status);
  /// Its container runs; `ready`: and the kubelet has found that it is ready.
  rt::task<void> set_ready(project_id, std::string ip = "127.16.200.1", bool ready = true);
  rt::task<void> ask(project_id, action_name);

  /// Looks until `holds` gives true; fails with `what` after `limit`.
  template <class F>
  rt::task<void> until(F holds, const char* what, rt::duration limit = 20s) {
    const auto give_up = rt::clock::now() + patience(limit);
    while (!co_await holds()) {
      if (rt::clock::now() > give_up) fail(disposition::timed_out, std::string("waited in vain: ") + what);
      co_await rt::sleep_for(20ms);
    }
  }
  rt::task<void> until_state(project_id, state_name, rt::duration limit = 20s);
  rt::task<void> until_finished(project_id, rt::duration limit = 20s);
  rt::task<void> until_pod(project_id, rt::duration limit = 20s);

 private:
  stage(cluster& c, std::string conninfo)
      : pool({.conninfo = conninfo}), api(c.config()), conninfo_(conninfo), kubeconfig_(c.kubeconfig()) {}
  std::string conninfo_, kubeconfig_;
  std::map<std::string, rt::process> processes_;
};

/// Each case has a database and a namespace of its own.
class Manage : public testing::Test {
 protected:
  void on_stage(std::function<rt::task<void>(stage&)> body, rt::duration limit = 60s) {
    auto& c = cluster::shared();
    rt::loop loop;
    loop.run(rt::with_timeout(patience(limit), play(c, postgres_server::shared().create_database(), body)));
  }

 private:
  static rt::task<void> play(cluster& c, std::string conninfo, std::function<rt::task<void>(stage&)>& body);
};

}  // namespace atrium::tests
