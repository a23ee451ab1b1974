/// @file process.hpp - child processes (pidfd), pseudo terminals and signals as awaitable things. Layer: rt.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "atrium/rt/io.hpp"

namespace atrium::rt {

struct exit_status {
  int code = 0;    ///< exit code; 128 + signal when ended by one, as shells say
  int signal = 0;  ///< 0 unless ended by a signal
};

struct process_options {
  std::vector<std::string> argv;                                       ///< argv[0] is looked up in PATH
  std::optional<std::vector<std::string>> environment;                 ///< "KEY=value"; unset: inherit
  std::string directory;                                               ///< empty: inherit
  int standard_input = -1, standard_output = -1, standard_error = -1;  ///< -1: /dev/null; -2: inherit
  std::vector<std::pair<int, int>> descriptors;                        ///< {ours, theirs}: further ones to hand over
  bool new_session = false;  ///< setsid; with controlling_terminal, standard input becomes it
  bool controlling_terminal = false;
  bool die_with_parent = false;  ///< PR_SET_PDEATHSIG(SIGKILL)
};

/// A child process. Destroying it kills (SIGKILL) and reaps what still runs.
class process {
 public:
  /// @errors not_found (no such program), denied, overloaded
  static process start(const process_options&);
  process(process&&) noexcept;
  process& operator=(process&&) noexcept;
  ~process();

  pid_t pid() const noexcept { return pid_; }
  /// Waits for the end. May be called again: gives the same answer. @cancel the child goes on
  task<exit_status> wait();
  bool running() const noexcept { return pid_ > 0 && !status_; }
  /// Signals the child, or with `group` its process group. Nothing happens when it has ended: never hits a reused pid.
  void signal(int number, bool group = false) const noexcept;
  /// SIGTERM, then after `grace` SIGKILL; to the group when it has one. Waits for the end.
  task<exit_status> stop(duration grace);
  /// Lets it go on without this object, which is empty from now on: neither killed nor waited for.
  void release() noexcept;

 private:
  process() = default;
  void reap() noexcept;
  pid_t pid_ = -1;
  unique_fd pidfd_;
  bool group_ = false;
  std::optional<exit_status> status_;
};

struct pipe_pair {
  unique_fd read, write;
};
/// Both ends close-on-exec; `read_nonblocking`/`write_nonblocking` say which ends this process will await on.
pipe_pair make_pipe(bool read_nonblocking, bool write_nonblocking);

struct pty_pair {
  unique_fd master, slave;
};  ///< master is non-blocking
pty_pair open_pty(unsigned columns, unsigned rows);
void resize_pty(int master, unsigned columns, unsigned rows) noexcept;

/// Output of a command that is expected to be short. Both streams are cut at `limit` bytes each.
struct command_output {
  exit_status status;
  std::string standard_output, standard_error;
  bool truncated = false;
};
/// Runs to the end; on cancellation or timeout the process group is killed.
task<command_output> run_command(process_options options, std::size_t limit = 1u << 20, std::string input = {});

/// Signals delivered to this process, taken off their default action while this object lives (signalfd).
/// Make it before threads start, so that all of them block the signals.
class signal_set {
 public:
  signal_set(std::initializer_list<int> numbers);
  ~signal_set();
  task<int> next();

 private:
  unique_fd fd_;
};

}  // namespace atrium::rt
