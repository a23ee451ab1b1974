#include "apps/devcluster/agent/pod_worker.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include "apps/devcluster/agent/pod_container.hpp"
#include "apps/devcluster/agent/volumes.hpp"
#include "atrium/base/log.hpp"

namespace atrium::devcluster {

namespace {

constexpr auto longest_back_off = std::chrono::seconds(60);
constexpr auto back_off_reset = std::chrono::seconds(10);

/// What bubblewrap says when the program itself could not be started, or nothing.
std::string start_problem(const std::string& log) {
  std::string line;
  std::ifstream in(log);
  for (std::string next; std::getline(in, next);) line = next;
  return line.starts_with("bwrap: ") || line.starts_with("atrium: cannot make the sandbox") ? line : std::string();
}

rt::time_point loop_now() { return rt::loop::current().now(); }

}  // namespace

pod_worker::pod_worker(node_context& node, object_ptr pod)
    : node_(node), pod_(std::move(pod)), folder_(node.state + "/pods/" + std::string(pod_->uid())), uid_(pod_->uid()) {
  for (const std::string_view list : {"initContainers", "containers"}) {
    std::size_t i = 0;
    for (const auto& spec : array_at(this->pod(), {"spec", list})) {
      auto c = std::make_unique<container>();
      c->state.name = text_at(spec, {"name"});
      c->state.image = text_at(spec, {"image"});
      c->state.init = list == "initContainers";
      if (!c->state.init && !array_at(this->pod(), {"spec", "initContainers"}).empty())
        c->state.reason = "PodInitializing";
      c->index = i++;
      c->folder = containers_of(folder_) + "/" + c->state.name;
      containers_.push_back(std::move(c));
    }
  }
}

pod_worker::~pod_worker() = default;

rt::task<void> pod_worker::wait(rt::time_point until) {
  if (until == rt::time_point::max()) co_await changed_.wait();
  else co_await changed_.wait_for(until - loop_now());
}

void pod_worker::stop(std::chrono::seconds grace) {
  if (!stopping_) emit(event_recorder::severity::normal, "Killing", "Stopping pod");
  stopping_ = true;
  kill_at_ = std::min(kill_at_, loop_now() + grace);
  changed_.notify_all();
}

void pod_worker::shut_down(std::chrono::seconds grace, bool keep) {
  shutting_down_ = true;
  keep_ = keep && !stopping_;
  stopping_ = true;
  const auto own = std::chrono::seconds(int_at(pod(), {"spec", "terminationGracePeriodSeconds"}).value_or(30));
  kill_at_ = std::min(kill_at_, loop_now() + std::min<std::chrono::seconds>(own, grace));
  changed_.notify_all();
}

void pod_worker::emit(event_recorder::severity how, std::string_view reason, std::string message, const container* c) {
  const std::string field =
      c ? std::string(c->state.init ? "spec.initContainers{" : "spec.containers{") + c->state.name + "}"
        : std::string();
  node_.events.emit(*pod_, how, reason, std::move(message), field);
}

void pod_worker::publish() {
  pod_picture picture{
      .init = {}, .containers = {}, .address = relay_ ? relay_->address() : std::string(), .started_at = started_at_};
  for (const auto& c : containers_) (c->state.init ? picture.init : picture.containers).push_back(&c->state);
  const auto now = node_.objects.now();
  node_.objects.modify(kinds::pods(), pod_->name_space(), pod_->name(), uid_, [&](json::value& object) {
    write_status(object, picture, now);
    if (!node_.cgroups.unavailable().empty())
      set_at(object, {"metadata", "annotations", "atrium.dev/limits"}, json::string(node_.cgroups.unavailable()));
  });
}

bool pod_worker::restarts(const container& c) const noexcept {
  const auto policy = text_at(pod(), {"spec", "restartPolicy"});
  if (c.state.init) return c.exit_code != 0 && policy != "Never";
  return policy == "Always" || (policy == "OnFailure" && (c.exit_code != 0 || c.was_shut_down));
}

void pod_worker::record_end(container& c, int code) {
  c.exit_code = code;
  auto& s = c.state;
  s.now = container_state::phase::terminated;
  s.finished_at = node_.objects.now();
  s.exit_code = code;
  s.ready = s.started = false;
  s.message.clear();
  const auto kills = node_.cgroups.out_of_memory_kills(uid_, s.name);
  s.reason = code == 0 ? "Completed" : "Error";
  if (code != 0 && kills > c.memory_kills) s.reason = "OOMKilled";
  c.process.reset();
  if (const auto problem =
          code == 1 || code == 125 ? start_problem(c.folder + "/" + std::to_string(c.attempt) + ".log") : std::string();
      !problem.empty()) {
    s.reason = "StartError";
    s.message = problem;
    s.exit_code = c.exit_code = 128;
    emit(event_recorder::severity::warning, "Failed", "Error: failed to start container \"" + s.name + "\": " + problem,
         &c);
  }
  save_run(c, shutting_down_ && !keep_);
}

rt::task<void> pod_worker::back_off(container& c, std::string_view reason, std::string message) {
  // The first start anew is at once, as Kubernetes does it; then 1 s, 2 s, 4 s, ... up to a minute. A kubelet goes from
  // 10 s to 5 minutes and forgets after ten minutes without an end; but here somebody waits for the project, and one
  // machine has few that could fail together: whatever has run for back_off_reset does not fail to start.
  if (c.quick_ends++ == 0) co_return;
  const auto delay =
      std::min<rt::duration>(std::chrono::seconds(1) * (1 << std::min(c.quick_ends - 2, 9)), longest_back_off);
  c.state.remember_end();
  c.state.now = container_state::phase::waiting;
  c.state.reason = reason;
  c.state.message = message;
  emit(event_recorder::severity::warning, "BackOff", std::move(message), &c);
  publish();
  for (const auto until = loop_now() + delay; !stopping_ && loop_now() < until;) co_await wait(until);
}

rt::task<void> pod_worker::run_container(container& c) {
  while (!stopping_ && !c.finished) {
    if (!c.process && !co_await start(c)) continue;
    if (c.process) co_await supervise(c);
    if (shutting_down_ && keep_) co_return;
    if (stopping_ || !restarts(c)) {
      c.finished = true;
      publish();
      break;
    }
    if (node_.objects.now() - c.state.started_at > back_off_reset) c.quick_ends = 0;
    publish();
    if (!std::exchange(c.was_shut_down, false))
      co_await back_off(c, "CrashLoopBackOff",
                        "back-off restarting failed container=" + c.state.name + " pod=" + std::string(pod_->name()) +
                            "_" + std::string(pod_->name_space()));
    if (stopping_) break;
    c.state.remember_end();
    ++c.attempt;
    ++c.state.restarts;
  }
}

rt::task<void> pod_worker::watch_exit(container& c) {
  c.exit_code = co_await c.process->wait();
  c.exited = true;
  changed_.notify_all();
}

rt::task<void> pod_worker::supervise(container& c) {
  c.exited = c.restart_wanted = false;
  rt::scope attempt(&co_await rt::this_task());
  attempt.spawn(watch_exit(c), "container exit");
  if (!c.state.init) {
    attempt.spawn(check_readiness(c), "readiness");
    attempt.spawn(check_liveness(c, "startupProbe"), "startup");
    attempt.spawn(check_liveness(c, "livenessProbe"), "liveness");
  }
  bool asked = false, killed = false;
  auto kill_at = rt::time_point::max();
  std::exception_ptr failed;
  try {
    while (!c.exited && !(shutting_down_ && keep_)) {
      if ((stopping_ || c.restart_wanted) && !asked) {
        asked = true;
        kill_at = stopping_
                      ? kill_at_
                      : loop_now() +
                            std::chrono::seconds(int_at(pod(), {"spec", "terminationGracePeriodSeconds"}).value_or(30));
        emit(event_recorder::severity::normal, "Killing", "Stopping container " + c.state.name, &c);
        if (loop_now() < kill_at) co_await pre_stop(c);
        c.process->signal(SIGTERM);
      }
      if (stopping_) kill_at = std::min(kill_at, kill_at_);
      if (asked && !killed && loop_now() >= kill_at) {
        killed = true;
        c.process->kill();
      }
      if (!c.exited) co_await wait(killed ? rt::time_point::max() : kill_at);
    }
  } catch (...) {
    failed = std::current_exception();
  }
  attempt.cancel(rt::cancel_reason::requested);
  co_await attempt.join();
  if (c.exited) record_end(c, c.exit_code);
  else if (c.process && shutting_down_ && keep_) c.process->release();
  if (failed) std::rethrow_exception(failed);
}

rt::task<void> pod_worker::live() {
  prepare_folders();
  co_await open_relay();
  started_at_ = node_.objects.now();
  if (const auto before = parse_rfc3339(text_at(pod(), {"status", "startTime"}))) started_at_ = *before;
  for (auto& c : containers_) adopt(*c);
  co_await rt::with_scope([this](rt::scope& all) -> rt::task<void> {
    all.spawn(relay_->run(), "pod relay");
    bool failed = false;
    for (auto& c : containers_) {
      if (!c->state.init || stopping_) continue;
      co_await run_container(*c);
      failed = c->finished && c->exit_code != 0;
      if (failed) break;
    }
    if (!failed && !stopping_) {
      co_await rt::with_scope([this](rt::scope& running) -> rt::task<void> {
        for (auto& c : containers_)
          if (!c->state.init) running.spawn(run_container(*c), "container");
        co_return;
      });
    }
    if (!(shutting_down_ && keep_)) publish();
    while (!stopping_) co_await wait(rt::time_point::max());
    all.cancel(rt::cancel_reason::requested);
  });
}

rt::task<void> pod_worker::run() {
  const auto phase = text_at(pod(), {"status", "phase"});
  std::optional<error> problem;
  if (phase != "Succeeded" && phase != "Failed") {
    try {
      co_await live();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      problem = f.error();
    } catch (const std::exception& e) {
      problem = error(disposition::failed, "The pod could not be run on this node.").with_peer_text(e.what());
    }
  }
  if (problem) {
    log::error("a pod failed", {{"pod", pod_->key()}, {"error", *problem}});
    emit(event_recorder::severity::warning, "FailedCreatePodSandBox", problem->public_text());
    for (auto& c : containers_) {
      if (c->state.now == container_state::phase::running) continue;
      c->state.now = container_state::phase::waiting;
      c->state.reason = "FailedCreatePodSandBox";
      c->state.message = problem->public_text();
    }
    publish();
  }
  while (!stopping_) co_await wait(rt::time_point::max());
  relay_.reset();
  if (shutting_down_) co_return;
  clean_up();
  node_.objects.finish_deletion(kinds::pods(), pod_->name_space(), pod_->name(), uid_);
}

void pod_worker::clean_up() {
  containers_.clear();
  node_.cgroups.remove(uid_);
  node_.events.forget(uid_);
  std::error_code bad;
  std::filesystem::remove_all(folder_, bad);
  if (bad) log::warn("cannot remove a pod's folder", {{"pod", pod_->key()}, {"reason", bad.message()}});
}

pod_worker::container* pod_worker::find_container(std::string_view name) const noexcept {
  for (const auto& c : containers_)
    if (c->state.name == name || (name.empty() && !c->state.init)) return c.get();
  return nullptr;
}

}  // namespace atrium::devcluster
