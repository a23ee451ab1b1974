// Starting containers, finding running ones again, and running commands beside them.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "apps/devcluster/agent/pod_container.hpp"
#include "apps/devcluster/agent/sandbox.hpp"
#include "apps/devcluster/agent/volumes.hpp"
#include "apps/devcluster/store/files.hpp"
#include "atrium/base/log.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

std::string pod_worker::hostname() const {
  const auto* given = find(pod(), {"spec", "hostname"});
  return std::string(given && given->is_string() ? std::string_view(given->get_string()) : pod_->name()).substr(0, 63);
}

void pod_worker::prepare_folders() {
  fs::create_directories(folder_ + "/etc");
  make_sandbox_folder(folder_ + "/sockets", node_.root);
  const std::string name = hostname();
  const std::string id = std::to_string(sandbox_id);
  const auto write_etc = [this](const char* file, const std::string& text) {
    write_text(folder_ + "/etc/" + file, text, 0644);
  };
  write_etc("passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\nuser:x:" + id + ":" + id +
                          ":user:/home/user:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
  write_etc("group", "root:x:0:\nuser:x:" + id + ":\nnogroup:x:65534:\n");
  write_etc("hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 " + name + "\n");
  write_etc("hostname", name + "\n");
  write_etc("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  for (const auto& c : containers_) fs::create_directories(c->folder);
}

rt::task<void> pod_worker::open_relay() {
  std::vector<std::uint16_t> ports = {6000, 6001};
  for (const auto& c : array_at(pod(), {"spec", "containers"}))
    for (const auto& port : array_at(c, {"ports"}))
      ports.push_back(static_cast<std::uint16_t>(int_at(port, {"containerPort"}).value_or(6000)));
  const auto seed = static_cast<std::uint32_t>(std::hash<std::string>{}(uid_));
  relay_ = co_await pod_relay::open(folder_ + "/sockets", std::move(ports),
                                    std::string(text_at(pod(), {"status", "podIP"})), seed);
  node_.objects.modify(kinds::pods(), pod_->name_space(), pod_->name(), uid_, [&](json::value& object) {
    set_at(object, {"status", "podIP"}, json::string(relay_->address()));
  });
  if (auto fresh = node_.objects.store().get(kinds::pods(), pod_->name_space(), pod_->name());
      fresh && fresh->uid() == uid_)
    pod_ = fresh;
}

void pod_worker::save_run(const container& c, bool shut_down) const {
  json::value run = {{"attempt", c.attempt},
                     {"restarts", c.state.restarts},
                     {"quick_ends", c.quick_ends},
                     {"shut_down", shut_down},
                     {"last", c.state.last},
                     {"started_at", rfc3339_micro(c.state.started_at)},
                     {"finished", c.state.now == container_state::phase::terminated}};
  if (c.state.now == container_state::phase::terminated) {
    set_at(run, {"exit_code"}, c.exit_code);
    set_at(run, {"reason"}, json::string(c.state.reason));
    set_at(run, {"finished_at"}, json::string(rfc3339_micro(c.state.finished_at)));
  }
  if (c.process) set_at(run, {"process"}, c.process->identity());
  try {
    write_text(c.folder + "/run.json", json::serialize(run), 0600);
  } catch (const failure& f) {
    log::error("cannot note a running container", {{"pod", pod_->key()}, {"error", f.error()}});
  }
}

bool pod_worker::adopt(container& c) {
  json::error_code bad;
  const json::value run = json::parse(read_text(c.folder + "/run.json"), bad);
  if (bad || !run.is_object()) return false;
  c.attempt = static_cast<int>(int_at(run, {"attempt"}).value_or(0));
  c.quick_ends = static_cast<int>(int_at(run, {"quick_ends"}).value_or(0));
  c.state.restarts = static_cast<int>(int_at(run, {"restarts"}).value_or(0));
  if (const auto* last = find(run, {"last"})) c.state.last = *last;
  c.state.id = "atrium://" + uid_ + "/" + c.state.name + "/" + std::to_string(c.attempt);
  c.state.started_at = parse_rfc3339(text_at(run, {"started_at"})).value_or(node_.objects.now());
  const auto* identity = find(run, {"process"});
  const bool ended = true_at(run, {"finished"});
  if (identity && !ended) c.process = sandbox_process::adopt(*identity);
  // Killed between the start and its record, we left a sandbox that nobody has been told of: it must not go on beside
  // the next one.
  if (!identity && !ended) sandbox_process::end_unrecorded(c.folder + "/" + std::to_string(c.attempt) + ".status");
  if (c.process) {
    c.state.now = container_state::phase::running;
    for (const auto& before : array_at(pod(), {"status", c.state.init ? "initContainerStatuses" : "containerStatuses"}))
      if (text_at(before, {"name"}) == c.state.name) {
        c.state.ready = true_at(before, {"ready"});
        c.state.started = true_at(before, {"started"});
      }
    log::info("container found running", {{"pod", pod_->key()}, {"container", c.state.name}});
    return true;
  }
  // It ended while nobody looked, or before: what is known of that decides whether it starts anew.
  const std::string status = c.folder + "/" + std::to_string(c.attempt) + ".status";
  c.was_shut_down = true_at(run, {"shut_down"});
  c.exit_code =
      static_cast<int>(int_at(run, {"exit_code"}).value_or(sandbox_process::exit_code_in(status).value_or(137)));
  c.state.now = container_state::phase::terminated;
  c.state.exit_code = c.exit_code;
  c.state.reason = text_at(run, {"reason"}).empty() ? (c.exit_code == 0 ? "Completed" : "Error")
                                                    : std::string(text_at(run, {"reason"}));
  c.state.finished_at = parse_rfc3339(text_at(run, {"finished_at"})).value_or(node_.objects.now());
  if (!restarts(c)) {
    c.finished = true;
  } else {
    c.was_shut_down = false;  // the machine's or devcluster's end is not the container's fault: no delay
    c.state.remember_end();
    ++c.attempt;
    ++c.state.restarts;
  }
  return false;
}

rt::task<bool> pod_worker::start(container& c) {
  using severity = event_recorder::severity;
  if (c.state.image.starts_with("missing/")) {
    c.state.now = container_state::phase::waiting;
    c.state.reason = "ErrImagePull";
    c.state.message = "failed to pull image \"" + c.state.image + "\": not found";
    emit(severity::warning, "Failed", "Failed to pull image \"" + c.state.image + "\": not found", &c);
    publish();
    if (c.quick_ends == 0) c.quick_ends = 1;
    co_await back_off(c, "ImagePullBackOff", "Back-off pulling image \"" + c.state.image + "\"");
    co_return false;
  }
  auto options = launch_options(c);
  if (!options) {
    c.state.now = container_state::phase::waiting;
    c.state.reason = "CreateContainerConfigError";
    c.state.message = options.error().public_text();
    emit(severity::warning, "Failed", "Error: " + c.state.message, &c);
    publish();
    for (const auto until = rt::loop::current().now() + std::chrono::seconds(2);
         !stopping_ && rt::loop::current().now() < until;)
      co_await wait(until);
    co_return false;
  }
  const std::string stem = c.folder + "/" + std::to_string(c.attempt);
  if (c.attempt >= 2) {
    std::error_code bad;
    for (const char* kind : {".log", ".status"}) fs::remove(c.folder + "/" + std::to_string(c.attempt - 2) + kind, bad);
  }
  emit(severity::normal, "Pulled", "Container image \"" + c.state.image + "\" already present on machine", &c);
  c.state.id = "atrium://" + uid_ + "/" + c.state.name + "/" + std::to_string(c.attempt);
  c.state.started_at = node_.objects.now();
  c.state.now = container_state::phase::waiting;
  save_run(c, false);
  c.process = co_await sandbox_process::start(std::move(*options), stem + ".status");
  c.held.clear();
  c.state.now = container_state::phase::running;
  c.state.reason.clear();
  c.state.message.clear();
  c.state.started = find(c.spec(pod()), {"startupProbe"}) == nullptr;
  c.state.ready = !c.state.init && c.state.started && find(c.spec(pod()), {"readinessProbe"}) == nullptr;
  save_run(c, false);
  emit(severity::normal, "Created", "Created container: " + c.state.name, &c);
  emit(severity::normal, "Started", "Started container " + c.state.name, &c);
  publish();
  co_return true;
}

}  // namespace atrium::devcluster
