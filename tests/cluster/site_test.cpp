#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/cluster/account.hpp"
#include "tests/cluster/site.hpp"

namespace atrium::tests {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

template <class Body>
void run(Body body, rt::duration limit = 200s) {
  rt::loop loop;
  auto whole = [](Body& b) -> rt::task<void> {
    site s;
    co_await eventually(60s, [&]() -> rt::task<void> { co_await s.find(); });
    person ada(s);
    bool known = true;
    try {
      co_await ada.sign_in("ada@example.org");
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      known = false;
    }
    if (!known) co_await ada.sign_up("ada@example.org", "Ada");
    co_await b(s, ada);
  };
  loop.run(rt::with_timeout(limit, whole(body)));
}

/// Starts it, however often that must be asked while something is broken; then a command must come through.
rt::task<void> start_at_last(person& p, std::string project, rt::duration limit) {
  co_await eventually(limit, [&]() -> rt::task<void> {
    const auto answer = co_await rt::with_timeout(60s, p.api("projects/start", {{"project_id", project}}));
    if (answer.as_object().contains("error")) fail(disposition::failed, json::serialize(answer));
    if (co_await rt::with_timeout(20s, p.shell(project, "echo up")) != "up\n")
      fail(disposition::failed, "no answer of the shell");
  });
}

rt::task<void> wait_for_state(site& s, std::string project, std::string beginning, rt::duration limit) {
  co_await eventually(limit, [&]() -> rt::task<void> {
    const auto now = co_await s.state_of(project);
    if (!now.starts_with(beginning)) fail(disposition::failed, project + " is '" + now + "', not '" + beginning + "'");
  });
}

TEST(Cluster, PeopleWorkInProjectsOnTwoNodesOverOneFolder) {
  run([](site& s, person& ada) -> rt::task<void> {
    co_await s.schedule_only_on("node1");
    const auto one = co_await ada.running_project("One");
    co_await s.schedule_only_on("node2");
    const auto two = co_await ada.running_project("Two");
    EXPECT_EQ((co_await s.pod_of(one)).node_name, "node1");
    EXPECT_EQ((co_await s.pod_of(two)).node_name, "node2");
    for (const auto& id : {one, two}) {
      EXPECT_EQ(co_await ada.shell(id, "echo $((6*7)); pwd; id -u; git --version | cut -c1-3; python3 -c 'print(1)'"),
                "42\n/home/user\n2001\ngit\n1\n");
      EXPECT_EQ(co_await s.state_of(id), "running");
      co_await ada.shell(id, "echo " + id + " > mine.txt; ls / > /dev/null");
      const auto file = co_await ada.request("GET", "/" + id + "/files/mine.txt");
      EXPECT_EQ(file.body, id + "\n");
    }
    // Our client on what runs: log and command.
    auto log = co_await s.api().logs(site_namespace, project_pod(two));
    EXPECT_NE((co_await log->text()).find("project server starts"), std::string::npos);
    const auto inside = co_await s.api().run(site_namespace, project_pod(two), {.command = {"cat", "mine.txt"}});
    EXPECT_EQ(inside.standard_output, two + "\n");

    // The same files on the other node.
    EXPECT_FALSE((co_await ada.api("projects/stop", {{"project_id", one}})).as_object().contains("error"));
    EXPECT_EQ(co_await s.state_of(one), "opened");
    EXPECT_FALSE((co_await ada.api("projects/start", {{"project_id", one}})).as_object().contains("error"));
    EXPECT_EQ((co_await s.pod_of(one)).node_name, "node2");
    EXPECT_EQ(co_await ada.shell(one, "cat mine.txt"), one + "\n");
    co_await s.schedule_only_on("");
  });
}

TEST(Cluster, AnEvictedProjectSaysSoAndStartsAgain) {
  run([](site& s, person& ada) -> rt::task<void> {
    const auto project = co_await ada.running_project("Evicted");
    const auto first = (co_await s.pod_of(project)).meta.uid;
    const json::value eviction{{"apiVersion", "policy/v1"},
                               {"kind", "Eviction"},
                               {"metadata", {{"name", project_pod(project)}, {"namespace", site_namespace}}}};
    co_await s.api().raw(
        "POST", std::string("/api/v1/namespaces/") + site_namespace + "/pods/" + project_pod(project) + "/eviction",
        json::serialize(eviction));
    co_await wait_for_state(s, project, "opened", 60s);
    EXPECT_FALSE((co_await ada.api("projects/start", {{"project_id", project}})).as_object().contains("error"));
    EXPECT_NE((co_await s.pod_of(project)).meta.uid, first);
    EXPECT_EQ(co_await ada.shell(project, "echo up"), "up\n");
  });
}

TEST(Cluster, ServicesOutliveTheApiServerAndEtcd) {
  run(
      [](site& s, person& ada) -> rt::task<void> {
        const auto runs = co_await ada.running_project("Runs on");
        const auto idle = co_await ada.running_project("Starts in between");
        EXPECT_FALSE((co_await ada.api("projects/stop", {{"project_id", idle}})).as_object().contains("error"));
        for (const char* part : {"api", "etcd"}) {
          auto restart = [](site& at, std::string what) -> rt::task<void> { co_await at.kube({"restart", what}); };
          rt::scope away(&co_await rt::this_task());
          away.spawn(restart(s, part), "restart");
          EXPECT_EQ(co_await ada.shell(runs, "echo still here"), "still here\n") << "people who work notice nothing";
          co_await start_at_last(ada, idle, 100s);
          co_await away.join();
          EXPECT_EQ(co_await s.state_of(idle), "running") << part;
          EXPECT_EQ(co_await s.state_of(runs), "running") << part;
          // What happens after it is seen: the watches go on, from where they were or anew (410).
          co_await s.api().remove(k8s::resources::pods, site_namespace, project_pod(idle));
          co_await wait_for_state(s, idle, "opened The project was stopped by the cluster.", 60s);
        }
      },
      400s);
}

TEST(Cluster, AStartThatTheApiServerHasNoPlaceForIsNotLost) {
  run([](site& s, person& ada) -> rt::task<void> {
    const auto project = co_await ada.running_project("Refused");
    EXPECT_FALSE((co_await ada.api("projects/stop", {{"project_id", project}})).as_object().contains("error"));
    one_place place(s, site_namespace, "manage-action", "pods");
    co_await place.take();
    const auto before = co_await place.refused();
    auto start = [](person& p, std::string id) -> rt::task<void> {
      EXPECT_FALSE((co_await p.api("projects/start", {{"project_id", id}})).as_object().contains("error"));
    };
    auto let_in = [](site& at, one_place& in, std::string id, long seen) -> rt::task<void> {
      co_await eventually(60s, [&]() -> rt::task<void> {
        if (co_await in.refused() < seen + 2) fail(disposition::failed, "not refused yet");
      });
      EXPECT_EQ(co_await at.state_of(id), "starting") << "people see no error meanwhile";
      co_await in.give_back();
    };
    co_await rt::all(start(ada, project), let_in(s, place, project, before));
    EXPECT_EQ(co_await s.state_of(project), "running");
    EXPECT_EQ(co_await ada.shell(project, "echo up"), "up\n");
  });
}

TEST(Cluster, AReplacedTokenIsReadAgain) {
  run([](site& s, person& ada) -> rt::task<void> {
    char pattern[] = "/tmp/atrium-token-XXXXXX";
    if (!::mkdtemp(pattern)) throw failure(system_error(errno, "mkdtemp"));
    const std::string folder = pattern;
    auto write_token = [&]() -> rt::task<void> {
      const auto token = co_await s.kubectl({"create", "token", "manage-action", "--duration", "10m"});
      std::ofstream(folder + "/token.new") << token.substr(0, token.find('\n'));
      std::filesystem::rename(folder + "/token.new", folder + "/token");
    };
    co_await write_token();
    const auto& there = s.api().configuration();
    std::ofstream(folder + "/ca.crt") << there.ca_pem;
    std::ofstream(folder + "/kubeconfig")
        << "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
        << "clusters: [{name: c, cluster: {server: \"https://" << there.server.authority()
        << "\", certificate-authority: ca.crt}}]\n"
        << "users: [{name: u, user: {tokenFile: token}}]\n";
    // The worker as a process beside the cluster, alone.
    co_await s.kubectl({"scale", "deployment/manage-action", "--replicas=0"});
    co_await s.kubectl({"wait", "pod", "-l", "run=manage-action", "--for=delete", "--timeout=60s"});
    auto worker =
        rt::process::start({.argv = {ATRIUM_PROGRAM, "manage-action", "--kubeconfig", folder + "/kubeconfig",
                                     "--namespace", site_namespace, "--database", std::getenv("ATRIUM_TEST_DATABASE"),
                                     "--listen", "unix:" + folder + "/socket"},
                            .die_with_parent = true});
    const auto project = co_await ada.running_project("Token");
    EXPECT_FALSE((co_await ada.api("projects/stop", {{"project_id", project}})).as_object().contains("error"));

    // An account that is made anew makes its old tokens worthless at once, as their expiry would.
    const auto account = co_await s.kubectl({"get", "serviceaccount", "manage-action", "-o", "name"});
    co_await s.kubectl({"delete", "serviceaccount", "manage-action"});
    co_await s.kubectl({"create", "serviceaccount", "manage-action"});
    co_await write_token();
    co_await start_at_last(ada, project, 60s);
    EXPECT_EQ(co_await s.state_of(project), "running");
    EXPECT_EQ((co_await worker.stop(10s)).code, 0);
    co_await s.kubectl({"scale", "deployment/manage-action", "--replicas=2"});
    co_await s.kubectl({"rollout", "status", "deployment/manage-action", "--timeout=100s"});
    std::filesystem::remove_all(folder);
  });
}

/// Last: it takes a node away.
TEST(Cluster, ProjectsOfALostNodeStartOnAnother) {
  run(
      [](site& s, person& ada) -> rt::task<void> {
        co_await s.schedule_only_on("node2");
        const auto project = co_await ada.running_project("Lost");
        co_await s.schedule_only_on("");
        co_await ada.shell(project, "echo kept > notes.txt; sync");
        const auto lost = co_await s.pod_of(project);
        EXPECT_EQ(lost.node_name, "node2");
        co_await s.kube({"cut", "2"});
        co_await eventually(120s, [&]() -> rt::task<void> {
          if (!(co_await s.pod_of(project)).meta.deleted) fail(disposition::failed, "not evicted yet");
        });
        co_await wait_for_state(s, project, "stopping", 120s);
        // As an operator tells the cluster that the machine is really off.
        co_await s.kubectl({"taint", "nodes", "node2", "node.kubernetes.io/out-of-service=off:NoExecute"});
        co_await wait_for_state(s, project, "opened", 120s);
        co_await start_at_last(ada, project, 120s);
        const auto found = co_await s.pod_of(project);
        EXPECT_EQ(found.node_name, "node1");
        EXPECT_NE(found.meta.uid, lost.meta.uid);
        EXPECT_EQ(co_await ada.shell(project, "cat notes.txt"), "kept\n");

        co_await s.kube({"join", "2"});
        co_await s.kubectl({"taint", "nodes", "node2", "node.kubernetes.io/out-of-service-"});
        co_await s.kubectl({"wait", "node", "node2", "--for=condition=Ready", "--timeout=100s"});
        EXPECT_EQ(co_await s.state_of(project), "running");
        EXPECT_EQ((co_await s.pod_of(project)).meta.uid, found.meta.uid)
            << "the old pod of the node that came back changes nothing";
      },
      500s);
}

}  // namespace
}  // namespace atrium::tests
