// Runs a body for many seeds; a failure says which one and how to see it again.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <iostream>

#include "atrium/base/log.hpp"
#include "atrium/rt/scope.hpp"
#include "atrium/sim/simulation.hpp"
#include "tests/support/patience.hpp"

namespace atrium::tests {

using sim_body = std::function<rt::task<void>(sim::simulation&)>;
using sim_setup = std::function<void(sim::options&, sim::random&)>;

inline std::string replay_command(std::uint64_t seed) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return "replay: ATRIUM_SIM_SEED=" + std::to_string(seed) +
         " test_sim_whole --gtest_filter=" + test->test_suite_name() + "." + test->name() +
         "   (ATRIUM_SIM_TRACE=1 prints every step)";
}

/// Gives the hash of the trace.
inline std::uint64_t simulate_once(std::uint64_t seed, const sim_body& body, const sim_setup& set_up = {}) {
  sim::random r(seed ^ 0x5eed);
  sim::options o{.seed = seed, .faults = sim::faults::any(r), .replay = replay_command(seed)};
  if (set_up) set_up(o, r);
  const auto told = o.faults.text();
  sim::simulation s(std::move(o));
  try {
    s.run(body(s));
  } catch (const failure& f) {
    ADD_FAILURE() << "threw: " << f.error().describe();
  } catch (const std::exception& e) {
    ADD_FAILURE() << "threw: " << e.what();
  }
  EXPECT_EQ(s.open_descriptors(), 0u) << "descriptors leaked";
  EXPECT_TRUE(s.loop().tasks().empty()) << "tasks were left behind";
  if (testing::Test::HasFailure()) ADD_FAILURE() << "seed " << seed << "; " << told << "\n" << replay_command(seed);
  return s.trace_hash();
}

/// `count` seeds (ATRIUM_SIM_SEEDS multiplies, ATRIUM_SIM_SEED runs one); the first ones twice: a seed is one trace.
/// A sanitized build looks for errors of memory and threads in a quarter of them: what happens in each is the same as
/// in an ordinary build, which runs them all.
inline void simulate(std::uint64_t count, const sim_body& body, const sim_setup& set_up = {}) {
  log::configure("sim", std::getenv("ATRIUM_SIM_LOG") ? log::level::debug : log::level(4));
  if (const char* one = std::getenv("ATRIUM_SIM_SEED")) {
    const auto seed = std::strtoull(one, nullptr, 10);
    std::cout << "seed " << seed << " trace " << std::hex << simulate_once(seed, body, set_up) << std::dec << "\n";
    return;
  }
  if (ATRIUM_PATIENCE > 1) count /= 4;
  const char* times = std::getenv("ATRIUM_SIM_SEEDS");
  if (times) count *= std::strtoull(times, nullptr, 10);
  std::uint64_t all = 0;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const auto hash = simulate_once(seed, body, set_up);
    if (testing::Test::HasFailure()) return;
    if (seed <= 5)
      ASSERT_EQ(hash, simulate_once(seed, body, set_up)) << "not deterministic; seed " << seed << "\n"
                                                         << replay_command(seed);
    all = all * 31 + hash;
  }
  std::cout << count << " seeds, traces " << std::hex << all << std::dec << "\n";
}

}  // namespace atrium::tests
