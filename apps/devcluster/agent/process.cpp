#include "apps/devcluster/agent/process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "apps/devcluster/store/files.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::devcluster {

namespace {

rt::unique_fd open_pidfd(const process_id& id) {
  rt::unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (fd && start_time_of(id.pid) != id.start) fd.close();  // the number was given to another
  if (fd) ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

void send(const rt::unique_fd& fd, int number) noexcept {
  if (fd) ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0);
}

/// The number behind `"name": ` in bubblewrap's JSON lines.
std::optional<long> number_in(const std::string& text, const std::string& name) {
  const auto at = text.find("\"" + name + "\":");
  if (at == std::string::npos) return std::nullopt;
  return std::strtol(text.c_str() + at + name.size() + 3, nullptr, 10);
}

std::vector<pid_t> children_of(pid_t pid) {
  const auto name = std::to_string(pid);
  std::istringstream children(read_text("/proc/" + name + "/task/" + name + "/children"));
  std::vector<pid_t> out;
  for (pid_t child; children >> child;) out.push_back(child);
  return out;
}

/// Processes other than this one that have the file open.
std::vector<pid_t> holders_of(const struct stat& file) {
  namespace fs = std::filesystem;
  std::vector<pid_t> out;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const auto pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
    if (pid <= 0 || pid == ::getpid()) continue;
    std::error_code hidden;  // of another user, or ended meanwhile
    const bool holds = std::any_of(fs::directory_iterator(entry.path() / "fd", hidden), fs::directory_iterator(),
                                   [&file](const fs::directory_entry& fd) {
                                     struct stat found{};
                                     return ::stat(fd.path().c_str(), &found) == 0 && found.st_dev == file.st_dev &&
                                            found.st_ino == file.st_ino;
                                   });
    if (holds) out.push_back(pid);
  }
  return out;
}

json::value id_value(const process_id& id) { return {{"pid", id.pid}, {"start", id.start}}; }

process_id id_from(const json::value& identity, std::string_view which) {
  process_id out;
  out.pid = static_cast<pid_t>(int_at(identity, {which, "pid"}).value_or(-1));
  out.start = static_cast<std::uint64_t>(int_at(identity, {which, "start"}).value_or(0));
  return out;
}

}  // namespace

std::uint64_t start_time_of(pid_t pid) noexcept {
  if (pid <= 0) return 0;
  const std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(stat.substr(name_end + 1));
  std::string word;
  for (int field = 3; field < 22 && rest >> word; ++field) {
  }
  std::uint64_t start = 0;
  rest >> start;
  return start;
}

bool process_id::alive() const noexcept { return start != 0 && start_time_of(pid) == start; }

bool sandbox_process::read_ids() {
  if (init_.pid < 0) {
    const auto pid = number_in(read_text(status_file_), "child-pid");
    if (!pid) return false;
    init_ = {static_cast<pid_t>(*pid), start_time_of(static_cast<pid_t>(*pid))};
    init_fd_ = open_pidfd(init_);
  }
  const auto children = children_of(init_.pid);
  if (children.empty()) return false;
  main_.pid = children.front();
  main_.start = start_time_of(main_.pid);
  main_fd_ = open_pidfd(main_);
  return true;
}

rt::task<sandbox_process> sandbox_process::start(rt::process_options options, std::string status_file) {
  sandbox_process out;
  out.status_file_ = std::move(status_file);
  out.child_ = rt::process::start(options);
  out.outer_ = {out.child_->pid(), start_time_of(out.child_->pid())};
  out.outer_fd_ = open_pidfd(out.outer_);
  const auto limit = rt::loop::current().now() + std::chrono::seconds(20);
  while (!out.read_ids()) {
    if (!out.outer_fd_ || exit_code_in(out.status_file_)) break;
    siginfo_t info{};
    if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(out.outer_fd_.get()), &info,
                 WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0)
      break;
    if (rt::loop::current().now() > limit) fail(disposition::timed_out, "The sandbox did not start within 20 s.");
    co_await rt::sleep_for(std::chrono::milliseconds(1));
  }
  co_return out;
}

std::optional<sandbox_process> sandbox_process::adopt(const json::value& identity) {
  sandbox_process out;
  out.outer_ = id_from(identity, "outer");
  out.init_ = id_from(identity, "init");
  out.main_ = id_from(identity, "main");
  out.status_file_ = text_at(identity, {"status_file"});
  out.outer_fd_ = open_pidfd(out.outer_);
  out.init_fd_ = open_pidfd(out.init_);
  out.main_fd_ = open_pidfd(out.main_);
  if (!out.outer_fd_ || !out.outer_.alive()) {
    out.kill();  // what bubblewrap's end left behind
    out.ended_ = true;
    return std::nullopt;
  }
  return out;
}

sandbox_process::~sandbox_process() {
  if (!ended_) kill();
}

rt::task<int> sandbox_process::wait() {
  std::optional<int> code;
  if (child_) {
    code = (co_await child_->wait()).code;
  } else if (outer_fd_) {
    co_await rt::readable(outer_fd_.get());
  }
  kill();
  ended_ = true;
  if (const auto told = exit_code_in(status_file_)) code = told;
  co_return code.value_or(137);
}

void sandbox_process::signal(int number) const noexcept {
  send(main_fd_ ? main_fd_ : init_fd_ ? init_fd_ : outer_fd_, number);
}

void sandbox_process::kill() const noexcept {
  send(init_fd_, SIGKILL);
  if (!init_fd_) send(outer_fd_, SIGKILL);
}

void sandbox_process::release() noexcept {
  ended_ = true;
  if (child_) child_->release();
  child_.reset();
}

pid_t sandbox_process::inside() const noexcept {
  if (main_.alive()) return main_.pid;
  return init_.alive() ? init_.pid : -1;
}

json::value sandbox_process::identity() const {
  return {
      {"outer", id_value(outer_)}, {"init", id_value(init_)}, {"main", id_value(main_)}, {"status_file", status_file_}};
}

void sandbox_process::end_recorded(const std::string& run_file) {
  json::error_code bad;
  const json::value run = json::parse(read_text(run_file), bad);
  if (bad) return;
  if (const auto* identity = find(run, {"process"})) (void)adopt(*identity);  // its destructor kills
}

void sandbox_process::end_unrecorded(const std::string& status_file) {
  struct stat file{};
  if (::stat(status_file.c_str(), &file) != 0) return;
  // Again until nobody is left: one that is starting makes children while we look.
  for (int rounds = 0; rounds < 200; ++rounds) {
    const auto holders = holders_of(file);
    if (holders.empty()) return;
    for (const auto pid : holders) {
      for (const auto child : children_of(pid)) ::kill(child, SIGKILL);
      ::kill(pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::optional<int> sandbox_process::exit_code_in(const std::string& status_file) {
  const auto code = number_in(read_text(status_file), "exit-code");
  if (!code) return std::nullopt;
  return static_cast<int>(*code);
}

}  // namespace atrium::devcluster
