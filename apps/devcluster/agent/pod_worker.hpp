/// @file pod_worker.hpp - one pod on this node, from its first start to the removal of its object. Layer:
/// apps/devcluster.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "apps/devcluster/agent/cgroups.hpp"
#include "apps/devcluster/agent/container_state.hpp"
#include "apps/devcluster/agent/events.hpp"
#include "apps/devcluster/agent/probes.hpp"
#include "apps/devcluster/agent/process.hpp"
#include "apps/devcluster/agent/relay.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::devcluster {

/// What all pods of the node share.
struct node_context {
  registry& objects;
  event_recorder& events;
  cgroup_tree& cgroups;
  net::http_client& http;
  std::string state, projects, name, bwrap;
  rt::unique_fd program;  ///< this executable, O_PATH
  bool root = false;
};

/// In the folder of a pod: a folder for each container, with its logs, records and status files. Nothing inside the pod
/// sees it.
inline std::string containers_of(const std::string& pod_folder) { return pod_folder + "/containers"; }

class pod_worker {
 public:
  pod_worker(node_context& node, object_ptr pod);
  ~pod_worker();

  /// Runs the pod. Ends when its object is gone (or was replaced by another of that name), or after shut_down().
  rt::task<void> run();
  /// The pod is to end, with this much time left. Later calls can only shorten it.
  void stop(std::chrono::seconds grace);
  /// devcluster ends: the containers too, or (`keep`) they go on without us. The object stays.
  void shut_down(std::chrono::seconds grace, bool keep);

  /// A process inside the container, its environment and control groups, for running something beside it. @errors
  /// NotFound, BadRequest
  struct place {
    pid_t pid;
    std::vector<std::string> environment, cgroups;
    std::string directory;
  };
  result<place> inside(std::string_view container) const;
  /// The file with the container's output, of this run or of the one before. @errors BadRequest
  result<std::string> log_file(std::string_view container, bool previous) const;
  bool container_runs(std::string_view container) const noexcept;
  /// Arguments and options of a process that runs `command` at that place.
  rt::process_options entering(const place& where, std::vector<std::string> command) const;

 private:
  struct container;
  rt::task<void> live();
  rt::task<void> run_container(container& c);
  rt::task<bool> start(container& c);
  rt::task<void> supervise(container& c);
  rt::task<void> watch_exit(container& c);
  rt::task<void> check_readiness(container& c);
  rt::task<void> check_liveness(container& c, std::string_view which);
  rt::task<void> pre_stop(container& c);
  rt::task<void> wait(rt::time_point until);
  rt::task<void> back_off(container& c, std::string_view reason, std::string message);
  rt::task<std::string> ask(container& c, const json::value& probe);
  rt::task<std::pair<int, std::string>> run_inside(container& c, std::vector<std::string> command);
  result<rt::process_options> launch_options(container& c);
  bool adopt(container& c);
  void record_end(container& c, int code);
  bool restarts(const container& c) const noexcept;
  void save_run(const container& c, bool shut_down) const;
  void publish();
  void emit(event_recorder::severity how, std::string_view reason, std::string message, const container* c = nullptr);
  void prepare_folders();
  rt::task<void> open_relay();
  void clean_up();
  container* find_container(std::string_view name) const noexcept;
  const json::value& pod() const noexcept { return pod_->value(); }
  /// spec.hostname, else the pod's name; at most 63 bytes.
  std::string hostname() const;

  node_context& node_;
  object_ptr pod_;
  std::string folder_, uid_;
  std::vector<std::unique_ptr<container>> containers_;
  std::unique_ptr<pod_relay> relay_;
  wall_time started_at_{};
  rt::condition changed_;
  bool stopping_ = false, shutting_down_ = false, keep_ = false;
  rt::time_point kill_at_ = rt::time_point::max();
};

}  // namespace atrium::devcluster
