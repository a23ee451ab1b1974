// A devcluster of its own for each test, and kubectl.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/patience.hpp"

namespace atrium::tests {

namespace fs = std::filesystem;

struct output {
  int code = -1;
  std::string text;  ///< both streams
};

/// Runs a line of shell, at most for `seconds`.
inline output shell(const std::string& line, int seconds = 30) {
  output out;
  const std::string whole = "{ timeout -k 2 " + std::to_string(seconds) + " sh -c '" + [&] {
    std::string quoted;
    for (const char c : line) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted;
  }() + "'; } 2>&1";
  FILE* pipe = ::popen(whole.c_str(), "r");
  if (!pipe) return out;
  char buffer[4096];
  while (const auto n = ::fread(buffer, 1, sizeof buffer, pipe)) out.text.append(buffer, n);
  const int status = ::pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return out;
}

/// Every kubectl of this machine, by version.
inline std::vector<std::string> kubectls() {
  std::vector<std::string> found;
  if (const char* given = std::getenv("ATRIUM_TEST_KUBECTL"); given && *given) {
    std::istringstream list(given);
    for (std::string one; std::getline(list, one, ':');) found.push_back(one);
    return found;
  }
  for (const char* sdk : {"/usr/lib/google-cloud-sdk/bin", "/opt/google-cloud-sdk/bin"})
    for (int minor = 27; minor <= 36; ++minor)
      if (const std::string file = std::string(sdk) + "/kubectl.1." + std::to_string(minor);
          ::access(file.c_str(), X_OK) == 0)
        found.push_back(file);
  if (found.empty())
    for (const char* file : {"/usr/local/bin/kubectl", "/usr/bin/kubectl"})
      if (::access(file, X_OK) == 0) found.push_back(file);
  return found;
}

/// Polls `what` until it holds; false after a time that no healthy machine needs.
inline bool eventually(const std::function<bool()>& what, int seconds = 30) {
  for (int i = 0; i < seconds * 50 * ATRIUM_PATIENCE; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

class Devcluster : public testing::Test {
 protected:
  void SetUp() override {
    if (kubectls().empty())
      GTEST_SKIP() << "SKIPPED: there is no kubectl on this machine; set ATRIUM_TEST_KUBECTL=FILE";
    if (::access("/usr/bin/bwrap", X_OK) != 0)
      GTEST_SKIP() << "SKIPPED: pods need bubblewrap (apt-get install bubblewrap)";
    char pattern[] = "/tmp/atrium-devcluster-XXXXXX";
    folder = ::mkdtemp(pattern);
    kubectl_file = kubectls().back();
    start();
  }
  void TearDown() override {
    if (folder.empty()) return;
    stop(SIGTERM);
    if (HasFailure()) std::cerr << "log of devcluster:\n" << read(folder + "/log") << "\n";
    fs::remove_all(folder);
  }

  void start(const std::string& flags = "") {
    const std::string line = "exec " ATRIUM_PROGRAM " devcluster --state " + folder + " --log-level info " + flags +
                             " >>" + folder + "/log 2>&1";
    fs::remove(folder + "/kubeconfig");
    child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_TRUE(eventually([&] {
      return fs::exists(folder + "/kubeconfig") && kubectl("get --raw /readyz").text.starts_with("ok");
    })) << read(folder + "/log");
  }
  int stop(int signal) {
    if (child <= 0) return 0;
    ::kill(child, signal);
    int status = 0;
    ::waitpid(child, &status, 0);
    child = -1;
    return status;
  }

  output kubectl(const std::string& arguments, int seconds = 30) {
    return shell("HOME=" + folder + " KUBECONFIG=" + folder + "/kubeconfig " + kubectl_file + " " + arguments, seconds);
  }
  /// One that must work.
  std::string ok(const std::string& arguments) {
    const auto out = kubectl(arguments);
    EXPECT_EQ(out.code, 0) << kubectl_file << " " << arguments << "\n" << out.text;
    return out.text;
  }
  void apply(const std::string& yaml) {
    std::ofstream(folder + "/applied.yaml") << yaml;
    ok("apply -f " + folder + "/applied.yaml");
  }
  void wait_ready(const std::string& pod) { ok("wait --for=condition=Ready pod/" + pod + " --timeout=25s"); }
  std::string field(const std::string& object, const std::string& path) {
    return kubectl("get " + object + " -o jsonpath='{" + path + "}'").text;
  }
  bool becomes(const std::string& object, const std::string& path, const std::string& value) {
    return eventually([&] { return field(object, path) == value; });
  }
  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
  }
  static std::string pod(const std::string& name, const std::string& script, const std::string& more = "",
                         const std::string& container = "") {
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec:\n  terminationGracePeriodSeconds: 5\n" +
           more + "  containers:\n  - name: main\n    image: atrium\n    command: [sh, -c, '" + script + "']\n" +
           container;
  }

  std::string folder, kubectl_file;
  pid_t child = -1;
};

}  // namespace atrium::tests
