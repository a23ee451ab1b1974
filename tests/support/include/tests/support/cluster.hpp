/// @file cluster.hpp - a Kubernetes API for the tests of one program: the one of ATRIUM_TEST_KUBECONFIG, else a
/// devcluster. For test programs that define ATRIUM_PROGRAM (the built `atrium`) and link atrium::k8s.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "atrium/k8s/config.hpp"
#include "tests/support/patience.hpp"

namespace atrium::tests {

/// Blocking: make it outside of loops. Ends with the program.
class cluster {
 public:
  static cluster& shared() {
    static cluster one;
    return one;
  }

  cluster() {
    if (const char* given = std::getenv("ATRIUM_TEST_KUBECONFIG"); given && *given) {
      kubeconfig_ = given;
      return;
    }
    char pattern[] = "/tmp/atrium-cluster-XXXXXX";
    if (!::mkdtemp(pattern)) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));  // pods run as another user
    std::filesystem::create_directories(folder_ + "/projects");
    kubeconfig_ = folder_ + "/kubeconfig";
    start();
  }
  ~cluster() {
    stop();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  cluster(const cluster&) = delete;

  k8s::config config() const { return k8s::config::load(kubeconfig_); }
  const std::string& kubeconfig() const noexcept { return kubeconfig_; }
  /// Below it are the folders that pods of a devcluster may mount; empty on a given cluster.
  std::string projects() const { return folder_.empty() ? "" : folder_ + "/projects"; }
  bool is_devcluster() const noexcept { return !folder_.empty(); }

  void start() {
    const std::vector<std::string> words{ATRIUM_PROGRAM, "devcluster", "--state", folder_, "--log-level", "warn"};
    std::vector<char*> argv;
    for (const auto& w : words) argv.push_back(const_cast<char*>(w.c_str()));
    argv.push_back(nullptr);
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // ends with the tests, however they end
      if (::getppid() != parent) ::_exit(1);
      ::setpgid(0, 0);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    for (int i = 0; !answers(); ++i) {
      if (i == tries) throw std::runtime_error("atrium devcluster does not answer");
      int status = 0;
      if (::waitpid(child_, &status, WNOHANG) == child_) {
        child_ = -1;
        throw std::runtime_error("atrium devcluster ended at once");
      }
      std::this_thread::sleep_for(pause);
    }
  }
  void stop() {
    if (child_ <= 0) return;
    ::kill(child_, SIGTERM);
    for (int i = 0; i < tries; ++i) {
      if (::waitpid(child_, nullptr, WNOHANG) == child_) {
        child_ = -1;
        return;
      }
      std::this_thread::sleep_for(pause);
    }
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }

 private:
  static constexpr auto pause = std::chrono::milliseconds(50);
  static constexpr auto tries = patience(std::chrono::seconds(10)) / pause;

  /// Whether something listens where the kubeconfig says.
  bool answers() const {
    try {
      const auto c = config();
      const auto at = rt::endpoint::ip(c.server.host, c.server.port);
      const int fd = ::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
      const bool up = ::connect(fd, at.address(), at.size()) == 0;
      ::close(fd);
      return up;
    } catch (const failure&) {
      return false;
    }
  }
  std::string folder_, kubeconfig_;
  pid_t child_ = -1;
};

}  // namespace atrium::tests
