#include "apps/up/child.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::up {

using namespace std::chrono_literals;

namespace {

constexpr off_t log_bytes_max = 16 << 20;
constexpr auto first_pause = 100ms;
constexpr auto longest_pause = 2000ms;
constexpr auto has_started = 2s;

/// Opens a log for appending; one that has grown large becomes `<name>.1` first.
rt::unique_fd open_log(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) == 0 && s.st_size > log_bytes_max) std::rename(path.c_str(), (path + ".1").c_str());
  rt::unique_fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fd) throw failure(system_error(errno, "open the log " + path));
  return fd;
}

}  // namespace

rt::process child::start() {
  auto log = open_log(spec_.log_file);
  std::vector<std::string> environment;
  for (char** e = environ; *e; ++e) environment.emplace_back(*e);
  environment.insert(environment.end(), spec_.environment.begin(), spec_.environment.end());
  return rt::process::start({.argv = spec_.argv,
                             .environment = std::move(environment),
                             .standard_output = log.get(),
                             .standard_error = log.get(),
                             .descriptors = spec_.descriptors,
                             .new_session = true,
                             .die_with_parent = true});
}

rt::task<void> child::keep_running() {
  auto pause = first_pause;
  while (!stopping_) {
    const auto began = rt::clock::now();
    process_ = start();
    if (!spec_.pid_file.empty()) co_await rt::write_file(spec_.pid_file, std::to_string(process_->pid()) + "\n");
    const auto status = co_await process_->wait();
    if (stopping_) break;
    ++early_ends_;
    log::warn("service ended, starting it again",
              {{"name", spec_.name}, {"exit_code", status.code}, {"signal", status.signal}, {"log", spec_.log_file}});
    if (rt::clock::now() - began > has_started) pause = first_pause;
    co_await stop_asked_.wait_for(pause);
    pause = std::min(pause * 2, longest_pause);
  }
  if (!spec_.pid_file.empty()) ::unlink(spec_.pid_file.c_str());
  ended_.set();
}

rt::task<void> child::wait_ready() {
  while (!co_await spec_.is_ready()) {
    if (early_ends_ >= 3)
      fail(disposition::failed, spec_.name + " does not start. Its last lines are in " + spec_.log_file + ".");
    co_await rt::sleep_for(10ms);
  }
}

rt::task<void> child::stop(rt::duration grace) {
  stopping_ = true;
  stop_asked_.set();
  if (process_) process_->signal(spec_.stop_signal);
  if (co_await ended_.wait_for(grace)) co_return;
  log::warn("service did not stop in time, killing it", {{"name", spec_.name}});
  if (process_) process_->signal(SIGKILL, true);
  co_await ended_.wait();
}

}  // namespace atrium::up
