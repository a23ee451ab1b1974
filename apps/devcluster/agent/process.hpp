/// @file process.hpp - one running sandbox: found again after a restart of devcluster, signalled, waited for. Layer:
/// apps/devcluster.
///
/// A sandbox is three processes that we know: bubblewrap outside, bubblewrap as process 1 inside, and the program. They
/// do not die with us. Each is known by pid and start time, so a pid that was given to another process is never
/// touched.
#pragma once

#include <sys/types.h>

#include <string>

#include "apps/devcluster/store/values.hpp"
#include "atrium/rt/process.hpp"

namespace atrium::devcluster {

struct process_id {
  pid_t pid = -1;
  std::uint64_t start = 0;  ///< clock ticks after boot
  bool alive() const noexcept;
};
/// 0 when there is no such process.
std::uint64_t start_time_of(pid_t pid) noexcept;

class sandbox_process {
 public:
  /// Starts `options` (the launch helper) and waits until the program runs, or the process has ended. `status_file` is
  /// where bubblewrap writes. @errors not_found, denied, overloaded; timed_out after 20 s
  static rt::task<sandbox_process> start(rt::process_options options, std::string status_file);
  /// The sandbox that identity() described, when it still runs.
  static std::optional<sandbox_process> adopt(const json::value& identity);

  sandbox_process(sandbox_process&&) = default;
  sandbox_process& operator=(sandbox_process&&) = default;
  /// Kills the sandbox unless it has ended or was released.
  ~sandbox_process();

  /// Waits for the end of the program and takes everything else in the sandbox down. Exit code; 128 + signal; 137 when
  /// unknown.
  rt::task<int> wait();
  /// Signals the program.
  void signal(int number) const noexcept;
  /// Kills everything inside.
  void kill() const noexcept;
  /// Lets the sandbox go on without us.
  void release() noexcept;

  /// A process inside, for entering. -1 when it has ended.
  pid_t inside() const noexcept;
  json::value identity() const;

  /// Ends the sandbox that a run.json tells of, when it still runs.
  static void end_recorded(const std::string& run_file);
  /// Ends what a devcluster that was killed had started and not yet recorded: whoever has this status file open, and
  /// their children. Takes a few milliseconds, in which the thread sleeps.
  static void end_unrecorded(const std::string& status_file);

  /// The exit code that a status file tells.
  static std::optional<int> exit_code_in(const std::string& status_file);

 private:
  sandbox_process() = default;
  bool read_ids();

  std::optional<rt::process> child_;
  std::string status_file_;
  process_id outer_, init_, main_;
  rt::unique_fd outer_fd_, init_fd_, main_fd_;
  bool ended_ = false;
};

}  // namespace atrium::devcluster
