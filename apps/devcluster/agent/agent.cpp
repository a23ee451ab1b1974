#include "apps/devcluster/agent/agent.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "apps/devcluster/agent/exec.hpp"
#include "apps/devcluster/agent/logs.hpp"
#include "apps/devcluster/agent/node.hpp"
#include "atrium/base/log.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

namespace {

std::string find_program(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"})
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  fail(disposition::not_found, "Pods need " + name + ", which is not installed: apt-get install bubblewrap.");
}

constexpr auto heartbeat_interval = std::chrono::seconds(10);
constexpr auto trim_interval = std::chrono::seconds(15);

}  // namespace

node_agent::node_agent(registry& objects, agent_options options)
    : objects_(objects),
      options_(std::move(options)),
      events_(objects, options_.node),
      http_({.idle_per_origin = 0}),
      node_{.objects = objects_,
            .events = events_,
            .cgroups = cgroups_,
            .http = http_,
            .state = options_.state,
            .projects = options_.projects,
            .name = options_.node,
            .bwrap = find_program("bwrap"),
            .program = rt::unique_fd(::open("/proc/self/exe", O_PATH | O_CLOEXEC)),
            .root = ::geteuid() == 0} {
  fs::create_directories(options_.state + "/pods");
  fs::permissions(options_.state + "/pods", fs::perms::owner_all);  // there are secrets below
  fs::create_directories(options_.projects);
  if (!cgroups_.unavailable().empty()) log::warn("limits are not enforced", {{"reason", cgroups_.unavailable()}});
  objects_.store().on_change([this](const change& c) {
    if (&c.now->type() == &kinds::pods() || &c.now->type() == &kinds::nodes()) changed_.notify_all();
  });
}

node_agent::~node_agent() = default;

object_ptr node_agent::own_node() const { return objects_.store().get(kinds::nodes(), "", options_.node); }

room node_agent::used() const {
  room sum;
  for (const auto& [key, pod] : objects_.store().all(kinds::pods())) {
    const auto phase = text_at(pod->value(), {"status", "phase"});
    if (text_at(pod->value(), {"spec", "nodeName"}) != options_.node || phase == "Succeeded" || phase == "Failed")
      continue;
    const room asked = requests_of(pod->value());
    sum.cpu += asked.cpu;
    sum.memory += asked.memory;
  }
  return sum;
}

void node_agent::place(const object_ptr& pod) {
  const auto node = own_node();
  const std::string uid(pod->uid());
  const auto now = objects_.now();
  const auto answer = node ? fits(pod->value(), node->value(), used())
                           : result<void>(api_error("Conflict", "no nodes available to schedule pods"));
  if (!answer) {
    const std::string why = answer.error().public_text();
    waiting_.insert(pod->key());
    objects_.modify(kinds::pods(), pod->name_space(), pod->name(), uid,
                    [&](json::value& p) { set_condition(p, "PodScheduled", false, "Unschedulable", why, now); });
    events_.emit(*pod, event_recorder::severity::warning, "FailedScheduling", why, {}, "default-scheduler");
    return;
  }
  waiting_.erase(pod->key());
  objects_.modify(kinds::pods(), pod->name_space(), pod->name(), uid, [&](json::value& p) {
    set_at(p, {"spec", "nodeName"}, json::string(options_.node));
    set_condition(p, "PodScheduled", true, "", "", now);
  });
  events_.emit(*pod, event_recorder::severity::normal, "Scheduled",
               "Successfully assigned " + pod->key() + " to " + options_.node, {}, "default-scheduler");
}

void node_agent::place_waiting() {
  for (const auto& key : std::set<std::string>(waiting_)) {
    const auto slash = key.find('/');
    const auto pod = objects_.store().get(kinds::pods(), key.substr(0, slash), key.substr(slash + 1));
    if (!pod || !text_at(pod->value(), {"spec", "nodeName"}).empty()) waiting_.erase(key);
    else if (fits(pod->value(), own_node() ? own_node()->value() : json::value(), used())) place(pod);
  }
}

void node_agent::evict_untolerating() {
  const auto node = own_node();
  if (!node) return;
  std::vector<object_ptr> leaving;
  for (const auto& [key, pod] : objects_.store().all(kinds::pods()))
    if (text_at(pod->value(), {"spec", "nodeName"}) == options_.node &&
        !find(pod->value(), {"metadata", "deletionTimestamp"}) && untolerated(pod->value(), node->value(), "NoExecute"))
      leaving.push_back(pod);
  for (const auto& pod : leaving) {
    events_.emit(*pod, event_recorder::severity::normal, "TaintManagerEviction",
                 "Marking for deletion Pod " + pod->key(), {}, "taint-eviction-controller");
    (void)objects_.remove(kinds::pods(), std::string(pod->name_space()), std::string(pod->name()), {});
  }
}

void node_agent::removed(const object_ptr& pod) {
  waiting_.erase(pod->key());
  if (const auto worker = workers_.find(pod->uid()); worker != workers_.end())
    worker->second->stop(std::chrono::seconds(0));
}

void node_agent::consider(const object_ptr& pod) {
  const auto& value = pod->value();
  if (text_at(value, {"spec", "nodeName"}).empty()) {
    if (const auto by = text_at(value, {"spec", "schedulerName"}); !by.empty() && by != "default-scheduler")
      return;  // another places it
    // One that is waiting is tried again when something leaves or the node changes.
    if (!waiting_.contains(pod->key())) place(pod);
    return;
  }
  if (text_at(value, {"spec", "nodeName"}) != options_.node || closing_) return;
  auto worker = workers_.find(pod->uid());
  if (worker == workers_.end()) {
    worker = workers_.emplace(std::string(pod->uid()), std::make_shared<pod_worker>(node_, pod)).first;
    pods_.spawn(run_pod(worker->second, std::string(pod->uid())), "pod");
  }
  if (find(value, {"metadata", "deletionTimestamp"}) && text_at(value, {"metadata", "uid"}) == worker->first)
    worker->second->stop(std::chrono::seconds(int_at(value, {"metadata", "deletionGracePeriodSeconds"}).value_or(30)));
}

rt::task<void> node_agent::run_pod(std::shared_ptr<pod_worker> worker, std::string uid) {
  std::optional<error> problem;
  try {
    co_await worker->run();
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    problem = f.error();
  }
  if (problem) log::error("a pod's task failed", {{"uid", uid}, {"error", *problem}});
  workers_.erase(uid);
  place_waiting();
}

void node_agent::remove_strays() {
  std::set<std::string> known;
  for (const auto& [key, pod] : objects_.store().all(kinds::pods())) known.insert(std::string(pod->uid()));
  std::error_code bad;
  for (const auto& entry : fs::directory_iterator(options_.state + "/pods", bad)) {
    const std::string uid = entry.path().filename();
    if (known.contains(uid)) continue;
    for (const auto& container : fs::directory_iterator(containers_of(entry.path()), bad)) {
      sandbox_process::end_recorded(container.path().string() + "/run.json");
      for (const auto& file : fs::directory_iterator(container.path(), bad))
        if (file.path().extension() == ".status") sandbox_process::end_unrecorded(file.path());
    }
    cgroups_.remove(uid);
    fs::remove_all(entry.path(), bad);
    log::info("removed what a deleted pod left behind", {{"uid", uid}});
  }
}

rt::task<void> node_agent::heartbeat() {
  while (true) {
    renew_lease(objects_, options_.node);
    co_await rt::sleep_for(heartbeat_interval);
  }
}

rt::task<void> node_agent::trim_logs() {
  while (true) {
    co_await rt::sleep_for(trim_interval);
    std::error_code bad;
    for (const auto& pod : fs::directory_iterator(options_.state + "/pods", bad))
      for (const auto& container : fs::directory_iterator(containers_of(pod.path()), bad))
        for (const auto& file : fs::directory_iterator(container.path(), bad))
          if (file.path().extension() == ".log") trim_log(file.path());
  }
}

rt::task<void> node_agent::run() {
  register_node(objects_, options_.node);
  remove_strays();
  // From here on every change is seen: the position is taken before the objects are.
  revision position = objects_.store().current();
  std::vector<object_ptr> existing;
  for (const auto& [key, pod] : objects_.store().all(kinds::pods())) existing.push_back(pod);
  for (const auto& pod : existing) consider(pod);
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    s.spawn(heartbeat(), "node heartbeat");
    s.spawn(trim_logs(), "trim logs");
    while (true) {
      const change* next = objects_.store().next_change(position);
      if (!next) {
        co_await changed_.wait();
        continue;
      }
      const change c = *next;  // the window may move while we act
      position = c.at();
      if (&c.now->type() == &kinds::pods()) {
        if (c.what == change_kind::deleted) {
          removed(c.now);
          place_waiting();
        } else if (const auto now = objects_.store().get(kinds::pods(), c.now->name_space(), c.now->name());
                   now && now->uid() == c.now->uid()) {
          consider(now);
        }
      } else if (&c.now->type() == &kinds::nodes()) {
        if (c.what == change_kind::deleted && !closing_) register_node(objects_, options_.node);
        evict_untolerating();
        place_waiting();
      }
    }
  });
}

rt::task<void> node_agent::shut_down(std::chrono::seconds grace) {
  closing_ = true;
  for (const auto& [uid, worker] :
       std::map<std::string, std::shared_ptr<pod_worker>, std::less<>>(workers_.begin(), workers_.end()))
    worker->shut_down(grace, options_.keep_pods);
  co_await pods_.join();
  set_node_ready(objects_, options_.node, false, "devcluster was stopped");
}

rt::task<void> node_agent::serve(net::exchange& ex, const pod_call& call) {
  const auto worker = workers_.find(call.pod->uid());
  if (worker == workers_.end())
    throw failure(api_error("BadRequest", "pod " + std::string(call.pod->name()) + " does not run on this node yet: " +
                                              std::string(text_at(call.pod->value(), {"status", "phase"})) + "."));
  const auto pod = worker->second;  // stays alive during the call
  if (call.what == pod_call::verb::log) co_await serve_log(ex, *pod, call.query);
  else if (call.what == pod_call::verb::exec) co_await serve_exec(ex, *pod, call.query);
  else if (call.what == pod_call::verb::attach)
    throw failure(api_error("BadRequest",
                            "attach is not offered by this node: see the output with kubectl logs -f, or run a shell "
                            "with kubectl exec -it."));
  else
    throw failure(api_error("BadRequest", "port-forward is not needed here: the pod's address " +
                                              std::string(text_at(call.pod->value(), {"status", "podIP"})) +
                                              " is reachable from this machine."));
}

}  // namespace atrium::devcluster
