/// @file child.hpp - a service as a supervised child process. Layer: apps/up.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "atrium/rt/process.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::up {

struct child_spec {
  std::string name;
  std::vector<std::string> argv;
  std::vector<std::string> environment;               ///< "KEY=value", on top of ours
  std::string log_file;                               ///< standard output and error are appended here
  std::string pid_file;                               ///< holds the process id while it runs; empty: none
  std::vector<std::pair<int, int>> descriptors = {};  ///< {ours, theirs}: handed over to each start
  int stop_signal = SIGTERM;
  std::function<rt::task<bool>()> is_ready;
};

/// Keeps one child running: starts it again when it ends, soon at first, then with a growing pause (0.1 to 2 s). One
/// that had run for 2 s does start: what ends it has nothing to do with the ends before.
class child {
 public:
  explicit child(child_spec spec) : spec_(std::move(spec)) {}

  const std::string& name() const noexcept { return spec_.name; }
  /// Runs until stop(). Spawn it. @errors not_found, denied when the program cannot be started the first time
  rt::task<void> keep_running();
  /// Polls is_ready until it says yes. @cancel no side effect
  /// @errors failed when the child ends three times before it was ready: the message names its log
  rt::task<void> wait_ready();
  /// Asks it to end, kills it after `grace`, returns when it is gone.
  rt::task<void> stop(rt::duration grace);

 private:
  rt::process start();
  child_spec spec_;
  std::optional<rt::process> process_;
  unsigned early_ends_ = 0;
  bool stopping_ = false;
  rt::event stop_asked_, ended_;
};

}  // namespace atrium::up
