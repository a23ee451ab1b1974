/// @file person.hpp - somebody who uses a running system by HTTP, wherever it runs.
#pragma once

#include <boost/json.hpp>

#include "atrium/net/client.hpp"
#include "tests/support/patience.hpp"

namespace atrium::tests {

/// A browser's worth of identity: an account and its cookie.
class person {
 public:
  /// `site` has client() and address(), and outlives the person.
  template <class Site>
  explicit person(Site& site) : client_(site.client()), address_(site.address()) {}
  rt::task<void> sign_up(std::string email, std::string name);
  rt::task<void> sign_in(std::string email);
  /// POST /api/v2/<path>; the JSON answer, whatever the status.
  rt::task<boost::json::value> api(std::string path, boost::json::value body);
  /// Any request with the cookie.
  rt::task<net::http_client::whole> request(std::string method, std::string target, net::headers more = {},
                                            std::string body = {});
  /// Creates a project and starts it; gives its id when it runs. @errors failed with the reason
  rt::task<std::string> running_project(std::string title);
  /// Output of a shell command in a project. @errors failed with the answer when there is none
  rt::task<std::string> shell(std::string project, std::string command);

  const std::string& account_id() const noexcept { return account_id_; }
  /// Cookie line of the session, empty before signing in.
  const std::string& cookie() const noexcept { return cookie_; }

 private:
  net::http_client& client_;
  const net::origin& address_;
  std::string cookie_, account_id_;
};

/// Repeats `attempt` until it does not throw, at most for patience(limit).
template <class Attempt>
rt::task<void> eventually(rt::duration limit, Attempt attempt) {
  const auto end = rt::clock::now() + patience(limit);
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
