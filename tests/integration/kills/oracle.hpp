/// @file oracle.hpp - says what is broken: during a storm what must never be, after it what is not whole yet, in the
/// end what the history of every request was.
#pragma once

#include "atrium/k8s/informer.hpp"
#include "atrium/pg/pool.hpp"
#include "tests/integration/kills/editor.hpp"
#include "tests/integration/kills/healing.hpp"
#include "tests/integration/kills/owner.hpp"
#include "tests/integration/kills/typist.hpp"

namespace atrium::tests {

struct actors {
  std::vector<std::unique_ptr<owner>> owners;
  std::vector<std::unique_ptr<editor>> editors;
  std::vector<std::unique_ptr<typist>> typists;
};

class oracle {
 public:
  oracle(world&, const actors&);

  /// Has the database keep every version of every request and state. Before the first storm.
  rt::task<void> prepare();
  /// Watches pods and processes, until cancelled.
  rt::task<void> watch();
  /// What is not whole yet; empty when all is. `since`: when the storm ended.
  rt::task<std::vector<gap>> missing(rt::time_point since);
  /// Histories of requests, restarts, files of terminals.
  rt::task<void> judge();

 private:
  struct seen_pod {
    std::string project, uid;
    std::int64_t fence = 0;
    bool ready = false, going = false;
    std::string server;  ///< what Kubernetes says of its container
    bool operator==(const seen_pod&) const = default;
  };
  struct version {
    std::string action, time, started, finished, err;
    std::int64_t fence = 0;
  };
  rt::task<void> watch_processes();
  rt::task<void> ask_services(std::vector<gap>& out);
  rt::task<void> compare_rows(std::vector<gap>& out);
  void compare_pods(std::vector<gap>& out) const;
  void compare_documents(std::vector<gap>& out) const;
  void judge_step(const std::string& project, const version& before, const version& now);
  void judge_pods(const std::string& project, const std::vector<version>& all);
  void note_pod(const seen_pod&);

  world& world_;
  const actors& actors_;
  pg::pool pool_;
  k8s::client api_;
  k8s::informer<seen_pod> pods_;
  std::map<std::string, std::map<std::string, std::int64_t>> made_;  // project -> uid of each pod -> fence
};

}  // namespace atrium::tests
