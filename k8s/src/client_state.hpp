/// @file client_state.hpp - what the parts of k8s::client share: credentials, sending with retries. Layer: k8s,
/// private.
#pragma once

#include <boost/json.hpp>
#include <random>

#include "atrium/k8s/client.hpp"

namespace atrium::k8s {

struct client::state {
  state(config c, client_options o);

  config settings;
  client_options options;
  net::http_client calls;    ///< answers of bounded size and time
  net::http_client streams;  ///< watches and logs: as long as they last

  /// Sends with credentials, waits out overload, repeats once after 401. Gives an answer of status 2xx, or 101.
  /// @errors the answer's, by error_of_status()
  rt::task<net::client_response> send(net::http_client& by, net::request head, std::string body);
  /// send() within request_timeout, answer as JSON.
  rt::task<boost::json::value> call(std::string method, std::string target, std::string body = {},
                                    std::string content_type = "application/json");
  /// Sets Authorization; reads the token file when what we have is old.
  rt::task<void> authorize(net::request& head);
  void forget_token() noexcept { token_read_.reset(); }
  net::request make_request(std::string method, std::string target) const;

 private:
  rt::duration lengthened(rt::duration wait);
  std::string token_;
  std::optional<rt::time_point> token_read_;
  std::minstd_rand random_{static_cast<std::minstd_rand::result_type>(rt::random_seed())};
};

/// `?a=b&c=d` from pairs whose value is not empty, percent-encoded.
std::string query_of(std::initializer_list<std::pair<std::string_view, std::string>> pairs);

}  // namespace atrium::k8s
