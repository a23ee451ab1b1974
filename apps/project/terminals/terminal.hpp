/// @file terminal.hpp - one pseudo terminal that several people look at. Layer: app project. @thread the loop's
///
/// Output is read from the pty only while every viewer that keeps up has credit left, so that a program which writes
/// without end is stopped by the kernel and not by memory; input goes its own way, so Ctrl-C always gets through. A
/// viewer that took nothing for ten seconds holds nobody up any more: it gets everything again when it comes back.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "apps/project/session/peer.hpp"
#include "apps/project/terminals/scrollback.hpp"
#include "atrium/rt/process.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::project {

struct terminal_size {
  unsigned columns = 80, rows = 24;
  bool operator==(const terminal_size&) const = default;
};

struct terminal_options {
  std::string name;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string directory;
  terminal_size size;
};

class terminal : public std::enable_shared_from_this<terminal> {
 public:
  static constexpr std::uint64_t window = 512 * 1024;  ///< unacknowledged bytes that stop the output
  static constexpr std::chrono::seconds patience{10};

  /// One person's look at the terminal. Made by view(), fed by run_viewer().
  struct viewer {
    peer* who = nullptr;
    std::uint32_t channel = 0;
    terminal_size size;
    std::uint64_t position = 0;  ///< next byte of the output to send
    std::uint64_t sent = 0, acknowledged = 0;
    std::string pending;    ///< to be sent before `position`: modes
    bool detached = false;  ///< stalled: holds nobody up
    bool left = false;
    rt::condition changed;
    std::uint64_t unacknowledged() const noexcept { return sent - acknowledged; }
  };

  /// Starts the program. @errors not_found, denied, overloaded
  static std::shared_ptr<terminal> start(const terminal_options&);

  const std::string& name() const noexcept { return name_; }
  const std::string& title() const noexcept { return output_.title(); }
  terminal_size size() const noexcept { return size_; }
  std::string viewers_json() const;

  std::shared_ptr<viewer> view(peer&, std::uint32_t channel, terminal_size);
  /// Bytes of the past that a viewer is yet to be shown.
  std::uint64_t replay(const viewer& v) const noexcept { return v.pending.size() + (output_.end() - v.position); }
  void leave(viewer&) noexcept;
  void resize(viewer&, terminal_size);
  /// `bytes` of output taken in all since view(). Wrong values are bounded, not refused.
  void acknowledge(viewer&, std::uint64_t bytes) noexcept;
  /// @errors overloaded: the program reads nothing and 1 MiB waits
  void input(std::string_view bytes);
  /// SIGHUP to everything in the terminal, SIGKILL a second later.
  void kill() noexcept;

  /// Reads, writes and waits until the program has ended and its output is taken in; then kept viewers are told.
  rt::task<void> run();
  /// Sends output to one viewer until it leaves or everything is sent after the end. @errors disconnected
  rt::task<void> run_viewer(std::shared_ptr<viewer>);

  std::function<void()> on_ended;

 private:
  terminal(std::string name, rt::pty_pair pty, rt::process child, terminal_size size);
  rt::task<void> read_output();
  rt::task<void> write_input();
  rt::task<void> wait_for_end();
  rt::task<void> kill_late();
  rt::task<void> wait_for_credit(viewer&);
  bool may_read() const noexcept;
  void apply_size();
  void restart_replay(viewer&) noexcept;
  void announce(const std::string& event, std::string_view key, const std::string& json);
  void wake_viewers() noexcept;

  std::string name_;
  rt::unique_fd master_;
  rt::process child_;
  terminal_size size_;
  scrollback output_;
  std::vector<std::shared_ptr<viewer>> viewers_;
  rt::condition may_read_, has_input_;
  std::string input_;
  rt::event killed_, output_done_;
  bool stop_ = false, ended_ = false;
  int exit_code_ = 0;
};

}  // namespace atrium::project
