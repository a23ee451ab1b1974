/// @file clean_up.hpp - what must be done after a test's body, however it ends.
#pragma once

#include <exception>

#include "atrium/rt/scope.hpp"

namespace atrium::tests {

/// Awaits `body`, then `clean_up` whatever happened, also when the test is cut off; then a failure of `body` goes on.
template <class Done>
rt::task<void> with_clean_up(rt::task<void> body, rt::task<Done> clean_up) {
  std::exception_ptr failed;
  try {
    co_await std::move(body);
  } catch (...) {
    failed = std::current_exception();
  }
  co_await rt::shield(std::move(clean_up));
  if (failed) std::rethrow_exception(failed);
}

}  // namespace atrium::tests
