/// @file world.hpp - what the actors of one run share: the system under attack, its projects, and whether a storm
/// blows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "atrium/base/settings.hpp"
#include "tests/integration/kills/chance.hpp"
#include "tests/integration/kills/session.hpp"
#include "tests/integration/system/running_system.hpp"

namespace atrium::tests {

struct plan {
  std::uint64_t seed = 1;
  unsigned projects = 200, running = 24, people = 8, kills = 300, storms = 10, documents = 6, terminals = 4;
  settings::duration whole_within = std::chrono::seconds(10);
  std::string logs;
};

/// A project and what its owner asked for last (and got an answer to).
struct ordered_project {
  std::string id;
  std::size_t owner = 0;
  bool edited = false;  ///< has a document that people type into
  bool wanted = false;  ///< to run
};

struct world {
  const plan& the_plan;
  running_system& system;
  findings& found;
  std::vector<std::unique_ptr<person>> people;
  std::vector<ordered_project> projects;
  bool quiet = true;  ///< nobody asks for anything new; what was begun is brought to its end

  std::string home(const ordered_project& p) const { return system.state() + "/s/projects/" + p.id; }
};

}  // namespace atrium::tests
