#include "apps/project/init.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "apps/project/environment.hpp"

namespace atrium::project {

std::optional<int> run_as_init() {
  if (::getpid() != 1) return std::nullopt;
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t server = ::fork();
  if (server < 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return std::nullopt;  // without an own reaper then
  }
  if (server == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return std::nullopt;
  }
  hide_secrets();  // this process has its own copy of the environment
  for (;;) {
    int number = 0;
    if (::sigwait(&all, &number) != 0) continue;
    if (number != SIGCHLD) {
      ::kill(server, number);
      continue;
    }
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
      if (pid == server) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

}  // namespace atrium::project
