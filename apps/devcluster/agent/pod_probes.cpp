// Probes, hooks, and places inside the pod's containers.
#include <algorithm>
#include <filesystem>

#include "apps/devcluster/agent/environment.hpp"
#include "apps/devcluster/agent/pod_container.hpp"
#include "apps/devcluster/agent/sandbox.hpp"

namespace atrium::devcluster {

namespace {

rt::duration seconds_of(const json::value& probe, std::string_view field, std::int64_t otherwise) {
  return std::chrono::seconds(int_at(probe, {field}).value_or(otherwise));
}

/// How long until a container that is not ready yet is asked again: people wait for it, so at first very often.
rt::duration eager_interval(rt::duration waited, rt::duration period) {
  if (waited < std::chrono::seconds(1)) return std::min<rt::duration>(period, std::chrono::milliseconds(10));
  if (waited < std::chrono::seconds(10)) return std::min<rt::duration>(period, std::chrono::milliseconds(50));
  return period;
}

}  // namespace

rt::process_options pod_worker::entering(const place& where, std::vector<std::string> command) const {
  rt::process_options out;
  out.argv = {"/proc/self/exe",          "devcluster",  "enter",        "--pid",
              std::to_string(where.pid), "--directory", where.directory};
  for (const auto& file : where.cgroups) out.argv.insert(out.argv.end(), {"--cgroup", file});
  if (node_.root) out.argv.insert(out.argv.end(), {"--id", std::to_string(sandbox_id)});
  out.argv.push_back("--");
  out.argv.insert(out.argv.end(), command.begin(), command.end());
  out.environment = where.environment;
  out.new_session = true;
  out.die_with_parent = true;
  return out;
}

result<pod_worker::place> pod_worker::inside(std::string_view name) const {
  const container* c = find_container(name);
  if (!c)
    return api_error("BadRequest",
                     "container " + std::string(name) + " is not valid for pod " + std::string(pod_->name()));
  const pid_t pid = c->process ? c->process->inside() : -1;
  if (pid < 0)
    return api_error("BadRequest", "container " + c->state.name +
                                       " is not running: wait until it is, or see why with kubectl describe pod " +
                                       std::string(pod_->name()));
  place out{.pid = pid, .environment = {}, .cgroups = node_.cgroups.join_files(uid_, c->state.name), .directory = {}};
  const auto& spec = c->spec(pod());
  const auto own = environment_of(node_.objects.store(), pod(), spec);
  out.environment = environment_texts(sandbox_variables(pod(), own ? *own : variables()));
  out.directory = text_at(spec, {"workingDir"}).empty() ? "/home/user" : std::string(text_at(spec, {"workingDir"}));
  return out;
}

result<std::string> pod_worker::log_file(std::string_view name, bool previous) const {
  const container* c = find_container(name);
  if (!c)
    return api_error("BadRequest",
                     "container " + std::string(name) + " is not valid for pod " + std::string(pod_->name()));
  const std::string file = c->folder + "/" + std::to_string(c->attempt - previous) + ".log";
  if (previous && !std::filesystem::exists(file))
    return api_error("BadRequest", "previous terminated container \"" + c->state.name + "\" in pod \"" +
                                       std::string(pod_->name()) + "\" not found");
  // While the next start is pending, the last words are those of the attempt before.
  if (!previous && !std::filesystem::exists(file)) {
    const std::string before = c->folder + "/" + std::to_string(c->attempt - 1) + ".log";
    if (std::filesystem::exists(before)) return before;
    return api_error("BadRequest", "container \"" + c->state.name + "\" in pod \"" + std::string(pod_->name()) +
                                       "\" is waiting to start: " + c->state.reason);
  }
  return file;
}

bool pod_worker::container_runs(std::string_view name) const noexcept {
  const container* c = find_container(name);
  return c && c->process && !c->exited;
}

rt::task<std::pair<int, std::string>> pod_worker::run_inside(container& c, std::vector<std::string> command) {
  const auto where = inside(c.state.name);
  if (!where) co_return std::pair(1, where.error().public_text());
  auto done = co_await rt::run_command(entering(*where, std::move(command)), 16u << 10);
  co_return std::pair(done.status.code, done.standard_output + done.standard_error);
}

rt::task<std::string> pod_worker::ask(container& c, const json::value& probe) {
  probe_target target{.http = &node_.http,
                      .address = relay_->address(),
                      .container = &c.spec(pod()),
                      .run = [this, &c](std::vector<std::string> command) { return run_inside(c, std::move(command)); },
                      .has_socket = [this](std::uint16_t port) { return relay_->has_socket(port); }};
  co_return co_await probe_once(target, probe);
}

rt::task<void> pod_worker::pre_stop(container& c) {
  const auto* hook = find(c.spec(pod()), {"lifecycle", "preStop", "exec", "command"});
  if (!hook || !hook->is_array()) co_return;
  std::vector<std::string> command;
  for (const auto& word : hook->get_array()) command.push_back(scalar_text(word));
  const auto left =
      kill_at_ == rt::time_point::max() ? rt::duration(std::chrono::seconds(30)) : kill_at_ - rt::loop::current().now();
  try {
    const auto [code, output] = co_await rt::with_timeout(left, run_inside(c, std::move(command)));
    if (code != 0)
      emit(event_recorder::severity::warning, "FailedPreStopHook",
           "PreStopHook ended with exit code " + std::to_string(code) + ": " + output.substr(0, 512), &c);
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
    emit(event_recorder::severity::warning, "FailedPreStopHook", "PreStopHook took longer than the grace period", &c);
  }
}

rt::task<void> pod_worker::check_readiness(container& c) {
  const auto* probe = find(c.spec(pod()), {"readinessProbe"});
  while (!c.state.started) co_await changed_.wait();
  if (!probe) {
    if (!std::exchange(c.state.ready, true)) publish();
    co_return;
  }
  co_await rt::sleep_for(seconds_of(*probe, "initialDelaySeconds", 0));
  const auto begun = rt::loop::current().now();
  const auto period = seconds_of(*probe, "periodSeconds", 10);
  const auto enough = int_at(*probe, {"successThreshold"}).value_or(1),
             most = int_at(*probe, {"failureThreshold"}).value_or(3);
  std::int64_t good = 0, bad = 0;
  while (true) {
    const std::string problem = co_await ask(c, *probe);
    good = problem.empty() ? good + 1 : 0;
    bad = problem.empty() ? 0 : bad + 1;
    const bool late = rt::loop::current().now() - begun > period;
    if (!problem.empty() && (c.state.ready || late))
      emit(event_recorder::severity::warning, "Unhealthy", "Readiness probe failed: " + problem, &c);
    if (const bool ready = c.state.ready ? bad < most : good >= enough; ready != c.state.ready) {
      c.state.ready = ready;
      publish();
    }
    co_await rt::sleep_for(c.state.ready ? period : eager_interval(rt::loop::current().now() - begun, period));
  }
}

rt::task<void> pod_worker::check_liveness(container& c, std::string_view which) {
  const auto* probe = find(c.spec(pod()), {which});
  if (!probe) co_return;
  const bool startup = which == "startupProbe";
  while (!startup && !c.state.started) co_await changed_.wait();
  co_await rt::sleep_for(seconds_of(*probe, "initialDelaySeconds", 0));
  const auto begun = rt::loop::current().now();
  const auto period = seconds_of(*probe, "periodSeconds", 10);
  const auto most = int_at(*probe, {"failureThreshold"}).value_or(3);
  // Early looks cost nothing, so failures count by time: one for each period.
  std::int64_t bad = 0;
  auto counted = begun;
  while (!c.restart_wanted) {
    const std::string problem = co_await ask(c, *probe);
    const auto now = rt::loop::current().now();
    if (problem.empty()) {
      bad = 0;
      if (startup) {
        c.state.started = true;
        changed_.notify_all();
        publish();
        co_return;
      }
    } else if (!startup || now - counted >= period || most == 1) {
      counted = now;
      ++bad;
      emit(event_recorder::severity::warning, "Unhealthy",
           std::string(startup ? "Startup" : "Liveness") + " probe failed: " + problem, &c);
    }
    if (bad >= most) {
      emit(event_recorder::severity::normal, "Killing",
           "Container " + c.state.name + " failed " + (startup ? "startup" : "liveness") + " probe, will be restarted",
           &c);
      c.restart_wanted = true;
      changed_.notify_all();
    } else {
      co_await rt::sleep_for(startup ? eager_interval(now - begun, period) : period);
    }
  }
}

}  // namespace atrium::devcluster
