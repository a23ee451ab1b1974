/// @file running_system.hpp - `atrium up` on a folder and a port of its own, and people who use it by HTTP.
#pragma once

#include <boost/json.hpp>

#include "atrium/net/client.hpp"
#include "atrium/rt/process.hpp"

namespace atrium::tests {

/// One `atrium up`. Start, use, stop inside one loop.
class running_system {
 public:
  /// `backend`: value of ATRIUM_RUNTIME_BACKEND for everything, or empty.
  explicit running_system(std::string backend = {});
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
  net::origin address_;
  net::http_client client_;
  std::optional<rt::process> up_;
};

/// A browser's worth of identity: an account and its cookie.
class person {
 public:
  explicit person(running_system& s) : system_(s) {}
  rt::task<void> sign_up(std::string email, std::string name);
  rt::task<void> sign_in(std::string email);
  /// POST /api/v2/<path>; the JSON answer, whatever the status.
  rt::task<boost::json::value> api(std::string path, boost::json::value body);
  /// Any request with the cookie.
  rt::task<net::http_client::whole> request(std::string method, std::string target, net::headers more = {}, std::string body = {});
  /// Creates a project and starts it; gives its id when it runs. @errors failed with the reason
  rt::task<std::string> running_project(std::string title);
  /// Output of a shell command in a project. @errors failed with the answer when there is none
  rt::task<std::string> shell(std::string project, std::string command);

  const std::string& account_id() const noexcept { return account_id_; }

 private:
  running_system& system_;
  std::string cookie_, account_id_;
};

/// Repeats `attempt` until it does not throw, at most for `limit`.
template <class Attempt>
rt::task<void> eventually(rt::duration limit, Attempt attempt) {
  const auto end = rt::clock::now() + limit;
  while (true) {
    std::exception_ptr failed;
    try {
      co_await attempt();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      failed = std::current_exception();
    }
    if (!failed) co_return;
    if (rt::clock::now() > end) std::rethrow_exception(failed);
    co_await rt::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace atrium::tests
