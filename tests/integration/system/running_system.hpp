/// @file running_system.hpp - `atrium up` on a folder and a port of its own, and people who use it by HTTP.
#pragma once

#include <boost/json.hpp>

#include "atrium/net/client.hpp"
#include "atrium/rt/process.hpp"
#include "tests/integration/system/person.hpp"

namespace atrium::tests {

/// One `atrium up`. Start, use, stop inside one loop.
class running_system {
 public:
  /// `backend`: value of ATRIUM_RUNTIME_BACKEND for everything, or empty.
  /// `flags`: further ones for `atrium up`.
  explicit running_system(std::string backend = {}, std::vector<std::string> flags = {});
  ~running_system();
  running_system(const running_system&) = delete;

  /// Returns when the line `ready ...` was printed. @errors failed with the end of the logs
  rt::task<void> start();
  /// SIGTERM and wait.
  rt::task<void> stop();
  /// Process id of one service now.
  pid_t pid_of(const std::string& service) const;

  const net::origin& address() const noexcept { return address_; }
  const std::string& state() const noexcept { return state_; }
  net::http_client& client() noexcept { return client_; }

 private:
  std::string backend_, state_, listen_;
  std::vector<std::string> flags_;
  net::origin address_;
  net::http_client client_;
  std::optional<rt::process> up_;
};

}  // namespace atrium::tests
