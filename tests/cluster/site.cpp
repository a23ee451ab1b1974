#include "tests/cluster/site.hpp"

#include <cstdlib>

#include "atrium/k8s/json.hpp"

namespace atrium::tests {

namespace kinds = k8s::resources;

namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) fail(disposition::invalid, std::string(name) + " is not set: run tests/cluster/run.");
  return value;
}

}  // namespace

std::string project_pod(const std::string& project) { return "project-" + project; }

site::site() : api_(k8s::config::load(from_environment("KUBECONFIG"))) {}

rt::task<void> site::find() {
  const auto pods = co_await api_.list(kinds::pods, site_namespace,
                                       {.label_selector = "run=edge", .field_selector = "spec.nodeName=node1"});
  for (const auto& item : *pods.items)
    if (const auto pod = k8s::parse_pod(item); pod.is_condition("Ready") && !pod.meta.deleted) {
      address_ = net::origin::parse("http://" + pod.pod_ip + ":8080").value();
      co_return;
    }
  fail(disposition::not_found, "There is no edge on node1.");
}

rt::task<std::string> site::command(std::vector<std::string> argv, std::string input) {
  std::string line;
  for (const auto& word : argv) line += word + " ";
  auto done = co_await rt::run_command({.argv = std::move(argv)}, 1u << 20, std::move(input));
  if (done.status.code != 0)
    fail(disposition::failed, line + "ended with " + std::to_string(done.status.code) + ": " + done.standard_error);
  co_return std::move(done.standard_output);
}

rt::task<std::string> site::kubectl(std::vector<std::string> arguments, std::string input) {
  arguments.insert(arguments.begin(), {"kubectl", "-n", site_namespace});
  co_return co_await command(std::move(arguments), std::move(input));
}

rt::task<std::string> site::kube(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), from_environment("ATRIUM_TEST_KUBE"));
  co_return co_await command(std::move(arguments));
}

rt::task<std::string> site::state_of(std::string project) {
  auto out = co_await command(
      {"psql", "-qXtA", "-d", from_environment("ATRIUM_TEST_DATABASE"), "-c",
       "select (state->>'state') || ' ' || coalesce(state->>'error', '') from projects where project_id = '" + project +
           "'"});
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  co_return out;
}

rt::task<k8s::pod> site::pod_of(std::string project) {
  co_return k8s::parse_pod(co_await api_.get(kinds::pods, site_namespace, project_pod(project)));
}

rt::task<void> site::schedule_only_on(std::string node) {
  for (const char* each : {"node1", "node2"})
    co_await api_.patch(kinds::nodes, "", each, k8s::patch_type::merge,
                        {{"spec", {{"unschedulable", !node.empty() && node != each}}}});
}

}  // namespace atrium::tests
