/// @file backends.hpp - runs a coroutine test body on each backend of the runtime.
#pragma once

#include <gtest/gtest.h>

#include "atrium/rt/scope.hpp"
#include "tests/support/patience.hpp"

namespace atrium::tests {

class on_backends : public testing::TestWithParam<rt::backend_kind> {
 protected:
  /// Runs `body` on a loop of this case's backend; fails the test after `limit` instead of hanging.
  void run(rt::task<void> body, rt::duration limit = std::chrono::seconds(30)) {
    rt::loop loop(GetParam());
    loop.run(rt::with_timeout(patience(limit), std::move(body)));
    EXPECT_TRUE(loop.tasks().empty()) << "a task was left behind";
  }
};

inline std::string backend_name(const testing::TestParamInfo<rt::backend_kind>& p) {
  return p.param == rt::backend_kind::epoll ? "epoll" : "io_uring";
}

}  // namespace atrium::tests

/// ATRIUM_ON_BACKENDS(Sockets); then TEST_P(Sockets, Behaviour) { run([]() -> rt::task<> { ... }()); }
/// A capturing lambda coroutine must outlive its task: name it, then pass name().
#define ATRIUM_ON_BACKENDS(suite)                                                                                    \
  class suite : public ::atrium::tests::on_backends {};                                                              \
  INSTANTIATE_TEST_SUITE_P(Backends, suite,                                                                          \
                           testing::Values(::atrium::rt::backend_kind::io_uring, ::atrium::rt::backend_kind::epoll), \
                           ::atrium::tests::backend_name)
