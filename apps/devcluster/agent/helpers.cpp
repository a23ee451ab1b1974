// Runs before any thread is started: setns into a user namespace demands a single thread.
#include "apps/devcluster/agent/helpers.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace atrium::devcluster {

namespace {

struct arguments {
  std::vector<std::string> cgroups;
  std::vector<std::pair<int, std::string>> binds;
  std::vector<int> keep;
  std::string stage, directory;
  long id = -1, pid = -1, terminal = -1;
  char** command = nullptr;
};

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "atrium: cannot make the sandbox: %s: %s\n", what, std::strerror(errno));
  _exit(helper_failed);
}

arguments parse(int argc, char** argv) {
  arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--") {
      out.command = argv + i + 1;
      break;
    }
    errno = EINVAL;
    if (++i >= argc) give_up("an argument lacks its value");
    const std::string value = argv[i];
    if (flag == "--cgroup") out.cgroups.push_back(value);
    else if (flag == "--bind") out.binds.emplace_back(std::atoi(value.c_str()), value.substr(value.find('=') + 1));
    else if (flag == "--keep") out.keep.push_back(std::atoi(value.c_str()));
    else if (flag == "--stage") out.stage = value;
    else if (flag == "--directory") out.directory = value;
    else if (flag == "--id") out.id = std::atol(value.c_str());
    else if (flag == "--pid") out.pid = std::atol(value.c_str());
    else if (flag == "--terminal") out.terminal = std::atol(value.c_str());
    else give_up("unknown argument");
  }
  errno = EINVAL;
  if (!out.command || !*out.command) give_up("no command is given");
  return out;
}

void join_cgroups(const std::vector<std::string>& files) {
  for (const auto& file : files) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0", 1) != 1) give_up("joining a control group");
    ::close(fd);
  }
}

void stage_binds(const arguments& a) {
  if (a.binds.empty()) return;
  // A descriptor from the machine's mount namespace cannot be bound in ours, but a detached copy of its mount can be
  // moved there.
  std::vector<int> trees;
  for (const auto& [fd, name] : a.binds) {
    const int tree = ::open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
    if (tree < 0) give_up("a mount's source");
    trees.push_back(tree);
  }
  if (::unshare(CLONE_NEWNS) != 0) give_up("a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up("private mounts");
  if (::mount("tmpfs", a.stage.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") != 0)
    give_up("the staging folder");
  for (std::size_t i = 0; i < trees.size(); ++i) {
    struct stat about{};
    if (::fstat(a.binds[i].first, &about) != 0) give_up("a mount's source");
    const std::string target = a.stage + "/" + a.binds[i].second;
    if (S_ISDIR(about.st_mode)) {
      if (::mkdir(target.c_str(), 0755) != 0) give_up("a mount point");
    } else {
      const int file = ::open(target.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
      if (file < 0) give_up("a mount point");
      ::close(file);
    }
    if (::move_mount(trees[i], "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) give_up("a bind mount");
  }
}

void become(long id) {
  if (id < 0) return;
  const auto n = static_cast<unsigned>(id);
  if (::geteuid() == 0 && ::setgroups(0, nullptr) != 0 && errno != EPERM) give_up("dropping groups");
  if (::setresgid(n, n, n) != 0 || ::setresuid(n, n, n) != 0) give_up("changing the user");
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::signal(number, SIG_DFL);
}

int namespace_of(long pid, const char* kind) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) give_up("the sandbox is gone");
  return fd;
}

bool same_namespace(int a, int b) {
  struct stat x{}, y{};
  return ::fstat(a, &x) == 0 && ::fstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/// bubblewrap nests two user namespaces: the outer owns the other namespaces, the inner is where the program runs.
void enter_namespaces(long pid) {
  const int user = namespace_of(pid, "user"), mount = namespace_of(pid, "mnt");
  const int others[] = {namespace_of(pid, "pid"), namespace_of(pid, "net"),    namespace_of(pid, "ipc"),
                        namespace_of(pid, "uts"), namespace_of(pid, "cgroup"), mount};
  const int owner = ::ioctl(mount, NS_GET_USERNS);
  if (owner < 0) give_up("the owner of the sandbox");
  if (::setns(owner, CLONE_NEWUSER) != 0) give_up("entering the user namespace");
  for (const int fd : others)
    if (::setns(fd, 0) != 0) give_up("entering the sandbox");
  if (!same_namespace(owner, user) && ::setns(user, CLONE_NEWUSER) != 0) give_up("entering the inner user namespace");
}

/// Makes a terminal of the sandbox's own, so that its name means something inside, and hands its master over through
/// `channel`. Gives the slave.
int make_terminal(int channel) {
  const int master = ::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  int locked = 0;
  if (master < 0 || ::ioctl(master, TIOCSPTLCK, &locked) != 0) give_up("a terminal");
  const int slave = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) give_up("a terminal");
  char byte = 't';
  iovec part{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(head), &master, sizeof(int));
  if (::sendmsg(channel, &message, MSG_NOSIGNAL) != 1) give_up("handing the terminal over");
  ::close(master);
  ::close(channel);
  return slave;
}

/// Hands the environment to bubblewrap as arguments in a file, and starts it with none of its own: it stays in the
/// sandbox as the first process, whose environment (secrets in it) every program there could read in /proc/1/environ
/// for ever.
[[noreturn]] void start_bubblewrap(char** command) {
  const int file = ::memfd_create("environment", 0);
  if (file < 0) give_up("the environment");
  std::string text;
  for (char** e = environ; *e; ++e)
    if (const char* equals = std::strchr(*e, '='))
      text += std::string("--setenv") + '\0' + std::string(*e, static_cast<std::size_t>(equals - *e)) + '\0' +
              std::string(equals + 1) + '\0';
  for (std::size_t at = 0; at < text.size();) {
    const auto n = ::write(file, text.data() + at, text.size() - at);
    if (n <= 0) give_up("the environment");
    at += static_cast<std::size_t>(n);
  }
  if (::lseek(file, 0, SEEK_SET) != 0) give_up("the environment");
  const std::string number = std::to_string(file);
  std::vector<const char*> all{command[0], "--args", number.c_str()};
  for (char** word = command + 1; *word; ++word) all.push_back(*word);
  all.push_back(nullptr);
  char* nothing[] = {nullptr};
  ::execve(command[0], const_cast<char**>(all.data()), nothing);
  give_up("starting bubblewrap");
}

}  // namespace

int run_launch(int argc, char** argv) {
  const arguments a = parse(argc, argv);
  join_cgroups(a.cgroups);
  stage_binds(a);
  become(a.id);
  reset_signals();
  if (::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) give_up("closing descriptors");
  for (const int fd : a.keep)
    if (::fcntl(fd, F_SETFD, 0) != 0) give_up("a descriptor to keep");
  start_bubblewrap(a.command);
}

int run_enter(int argc, char** argv) {
  const arguments a = parse(argc, argv);
  join_cgroups(a.cgroups);
  if (::geteuid() == 0 && ::setgroups(0, nullptr) != 0) give_up("dropping groups");
  enter_namespaces(a.pid);
  become(a.id);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up("giving up privileges");
  for (int capability = 0; capability < 64; ++capability) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  reset_signals();
  const int terminal = a.terminal >= 0 ? make_terminal(static_cast<int>(a.terminal)) : -1;
  const pid_t child = ::fork();  // a pid namespace is entered by children
  if (child < 0) give_up("a process");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (terminal >= 0) {
      ::setsid();
      for (const int fd : {0, 1, 2}) ::dup2(terminal, fd);
      ::ioctl(0, TIOCSCTTY, 0);
    }
    if (!a.directory.empty() && ::chdir(a.directory.c_str()) != 0 && ::chdir("/") != 0) give_up("the working folder");
    ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    ::execvp(a.command[0], a.command);
    const int why = errno;
    std::fprintf(stderr, "exec: \"%s\": %s\n", a.command[0],
                 why == ENOENT ? "executable file not found in $PATH" : std::strerror(why));
    _exit(why == ENOENT ? 127 : 126);
  }
  for (const int fd : {0, 1, 2, terminal})
    if (fd >= 0) ::close(fd);  // the other side sees the end when the child's are closed
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // At once: what a sanitizer does at the end of a process (LeakSanitizer starts a child to look at it) never ends
  // here, where children live in another pid namespace.
  ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace atrium::devcluster
