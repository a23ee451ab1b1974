#include "tests/integration/manage/stage.hpp"

#include <csignal>

#include "tests/support/clean_up.hpp"

namespace atrium::tests {

rt::task<std::unique_ptr<stage>> stage::make(cluster& c, std::string conninfo) {
  std::unique_ptr<stage> s(new stage(c, conninfo));
  {
    auto session = co_await s->pool.acquire();
    co_await store::migrate(*session);
  }
  s->owner = (co_await store::accounts(s->pool).create({"ada@example.org", "$hash", "Ada", "Tester", ""})).account_id;
  static int number = 0;
  s->ns = "m" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  co_await s->api.create(k8s::resources::namespaces, "", {{"metadata", {{"name", s->ns}}}});
  co_return s;
}

rt::task<void> stage::clean_up() {
  for (auto& [name, p] : processes_) co_await p.stop(5s);
  processes_.clear();
  try {
    co_await api.remove(k8s::resources::namespaces, "", ns);
  } catch (const failure&) {  // the cluster may be down at the end of a case that failed
  }
}

rt::task<void> stage::put_templates(std::string_view pod) {
  co_await api.create(k8s::resources::configmaps, ns,
                      {{"metadata", {{"name", "project-pod"}}}, {"data", {{"pod.yaml", pod}}}});
  co_await api.create(k8s::resources::configmaps, ns,
                      {{"metadata", {{"name", "project-image"}}}, {"data", {{"image", "img"}, {"tag", "1"}}}});
}

void stage::start(const std::string& name, const std::string& service, std::vector<std::string> flags) {
  rt::process_options o;
  o.argv = {ATRIUM_PROGRAM, service,       "--database", conninfo_,     "--kubeconfig",
            kubeconfig_,    "--namespace", ns,           "--log-level", "warn"};
  o.argv.insert(o.argv.end(), flags.begin(), flags.end());
  o.standard_error = -2;
  o.die_with_parent = true;
  processes_.insert_or_assign(name, rt::process::start(o));
}

rt::task<void> stage::kill(const std::string& name) {
  auto& p = processes_.at(name);
  p.signal(SIGKILL);
  co_await p.wait();
  processes_.erase(name);
}

rt::task<project_id> stage::make_project(std::string title) {
  co_return (co_await projects.create({owner, std::move(title), ""})).project_id;
}

rt::task<store::project> stage::row(project_id id) {
  auto found = co_await projects.get(id);
  if (!found) fail(disposition::not_found, "no such project");
  co_return std::move(*found);
}

rt::task<std::optional<k8s::pod>> stage::pod(project_id id) {
  try {
    co_return k8s::parse_pod(co_await api.get(k8s::resources::pods, ns, domain::pod_name(id)));
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found) throw;
  }
  co_return std::nullopt;
}

rt::task<void> stage::set_status(project_id id, json::value status) {
  co_await api.patch(k8s::resources::pods, ns, domain::pod_name(id), k8s::patch_type::merge,
                     {{"status", std::move(status)}}, "status");
}

rt::task<void> stage::set_ready(project_id id, std::string ip, bool ready) {
  const auto now = k8s::format_seconds(std::chrono::system_clock::now());
  co_await set_status(
      id, {{"phase", "Running"},
           {"podIP", ip},
           {"conditions",
            json::array{{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now}},
                        {{"type", "Ready"}, {"status", ready ? "True" : "False"}, {"lastTransitionTime", now}}}},
           {"containerStatuses", json::array{{{"name", "project"},
                                              {"ready", ready},
                                              {"restartCount", 0},
                                              {"image", "img:1"},
                                              {"imageID", "x"},
                                              {"state", {{"running", {{"startedAt", now}}}}}}}}});
}

rt::task<void> stage::ask(project_id id, action_name action) {
  EXPECT_EQ(co_await actions.request(id, owner, action), store::project_actions::asked::requested);
}

rt::task<void> stage::until_state(project_id id, state_name wanted, rt::duration limit) {
  auto holds = [&]() -> rt::task<bool> { co_return (co_await row(id)).state.state == wanted; };
  co_await until(holds, std::string(domain::to_string(wanted)).c_str(), limit);
}

rt::task<void> stage::until_finished(project_id id, rt::duration limit) {
  auto holds = [&]() -> rt::task<bool> {
    const auto r = co_await row(id);
    co_return r.action_request&& r.action_request->finished;
  };
  co_await until(holds, "the request to be finished", limit);
}

rt::task<void> stage::until_pod(project_id id, rt::duration limit) {
  auto holds = [&]() -> rt::task<bool> { co_return (co_await pod(id)).has_value(); };
  co_await until(holds, "the pod", limit);
}

rt::task<void> Manage::play(cluster& c, std::string conninfo, std::function<rt::task<void>(stage&)>& body) {
  auto s = co_await stage::make(c, std::move(conninfo));
  co_await with_clean_up(body(*s), s->clean_up());
}

}  // namespace atrium::tests
