#include "atrium/rt/process.hpp"
#include "atrium/rt/scope.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace atrium::rt {
namespace {

/// Everything the child needs, prepared before fork(): after it, only async-signal-safe calls.
struct prepared {
  std::vector<char*> argv, environment;
  bool inherit_environment;
  explicit prepared(const process_options& o) : inherit_environment(!o.environment) {
    for (const auto& a : o.argv) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    if (o.environment)
      for (const auto& e : *o.environment) environment.push_back(const_cast<char*>(e.c_str()));
    environment.push_back(nullptr);
  }
};

int standard(int wanted, int number) noexcept {
  if (wanted == -2) return number;
  return wanted >= 0 ? wanted : ::open("/dev/null", O_RDWR);
}

[[noreturn]] void child_main(const process_options& o, const prepared& p, int report) noexcept {
  const auto give_up = [report] {
    const int e = errno;
    [[maybe_unused]] const auto r = ::write(report, &e, sizeof e);
    ::_exit(127);
  };
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (o.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (o.new_session) ::setsid();
  // Move sources out of the way of the numbers they are to be copied to.
  int source[3] = {standard(o.standard_input, 0), standard(o.standard_output, 1), standard(o.standard_error, 2)};
  for (int i = 0; i < 3; ++i)
    if (source[i] < 3 && source[i] != i) source[i] = ::fcntl(source[i], F_DUPFD_CLOEXEC, 10);
  for (int i = 0; i < 3; ++i)
    if (source[i] == i) ::fcntl(i, F_SETFD, 0);
    else if (::dup2(source[i], i) < 0) give_up();
  for (const auto& [ours, theirs] : o.descriptors)
    if (ours == theirs) ::fcntl(ours, F_SETFD, 0);
    else if (::dup2(ours, theirs) < 0) give_up();
  if (o.controlling_terminal) ::ioctl(0, TIOCSCTTY, 0);
  if (!o.directory.empty() && ::chdir(o.directory.c_str()) < 0) give_up();
  if (p.inherit_environment) ::execvp(p.argv[0], p.argv.data());
  else ::execvpe(p.argv[0], p.argv.data(), p.environment.data());
  give_up();
  ::_exit(127);
}

}  // namespace

process process::start(const process_options& o) {
  ATRIUM_ASSERT(!o.argv.empty(), "a process has a program");
  const prepared p(o);
  auto report = make_pipe(false, false);
  const pid_t pid = ::fork();
  if (pid < 0) throw failure(system_error(errno, "fork"));
  if (pid == 0) child_main(o, p, report.write.get());
  report.write.close();
  process out;
  out.pid_ = pid;
  out.group_ = o.new_session;
  out.pidfd_ = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  int child_errno = 0;
  if (::read(report.read.get(), &child_errno, sizeof child_errno) == sizeof child_errno) {
    out.reap();
    throw failure(system_error(child_errno, "start " + o.argv[0]));
  }
  return out;
}

process::process(process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      group_(other.group_),
      status_(other.status_) {}

process& process::operator=(process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(group_, other.group_);
  std::swap(status_, other.status_);
  return *this;
}

process::~process() {
  if (!running()) return;
  signal(SIGKILL, group_);
  reap();
}

void process::reap() noexcept {
  int raw = 0;
  while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(raw)) status_ = exit_status{128 + WTERMSIG(raw), WTERMSIG(raw)};
  else status_ = exit_status{WEXITSTATUS(raw), 0};
}

task<exit_status> process::wait() {
  if (!status_) {
    co_await readable(pidfd_.get());
    if (!status_) reap();
  }
  co_return *status_;
}

void process::signal(int number, bool group) const noexcept {
  if (!running()) return;  // not reaped: the pid is still ours
  if (group && group_) ::kill(-pid_, number);
  else ::kill(pid_, number);
}

task<exit_status> process::stop(duration grace) {
  signal(SIGTERM, group_);
  if (!co_await in_time(grace, wait())) signal(SIGKILL, group_);
  co_return co_await wait();
}

void process::release() noexcept {
  pid_ = -1;
  pidfd_.close();
}

pipe_pair make_pipe(bool read_nonblocking, bool write_nonblocking) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) throw failure(system_error(errno, "pipe"));
  if (read_nonblocking) ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  if (write_nonblocking) ::fcntl(fds[1], F_SETFL, O_NONBLOCK);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

pty_pair open_pty(unsigned columns, unsigned rows) {
  unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!master) throw failure(system_error(errno, "open a pseudo terminal"));
  int unlock = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlock) < 0) throw failure(system_error(errno, "unlock a pseudo terminal"));
  resize_pty(master.get(), columns, rows);
  // TIOCGPTPEER opens the other side without a path, so it works inside any mount namespace.
  unique_fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) throw failure(system_error(errno, "open the other side of a pseudo terminal"));
  return {std::move(master), std::move(slave)};
}

void resize_pty(int master, unsigned columns, unsigned rows) noexcept {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  ::ioctl(master, TIOCSWINSZ, &size);
}

}  // namespace atrium::rt
