/// @file killer.hpp - SIGKILL and SIGSTOP of processes chosen by a seed.
#pragma once

#include <set>

#include "tests/integration/kills/world.hpp"

namespace atrium::tests {

class killer {
 public:
  explicit killer(world&);
  ~killer();  ///< whoever is stopped goes on

  /// That many signals, 100 to 400 ms apart; returns when nobody is stopped any more: who was hit, and how often.
  rt::task<std::string> storm(unsigned kills);

 private:
  struct victim {
    std::string name;
    pid_t pid = 0;
  };
  victim choose();
  victim service(const std::string& name) const;
  rt::task<void> hold(victim, rt::duration);

  world& world_;
  chance chance_;
  std::set<pid_t> held_;
};

}  // namespace atrium::tests
