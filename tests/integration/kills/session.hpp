/// @file session.hpp - a client of the envelope that `/hub` and `/<project>/ws` share (docs/protocols.md section 3),
/// one task, one request at a time: what comes meanwhile goes to handlers.
#pragma once

#include <boost/json.hpp>
#include <functional>

#include "atrium/net/websocket.hpp"
#include "tests/integration/kills/findings.hpp"

namespace atrium::tests {

namespace json = boost::json;

class session {
 public:
  struct handlers {
    std::function<void(json::object&)> event = [](json::object&) {};
    std::function<void(std::string_view)> output = [](std::string_view) {};  ///< of terminals, without the frame's head
  };
  static rt::task<std::unique_ptr<session>> open(net::http_client&, const net::origin&, std::string target,
                                                 std::string cookie, findings&, handlers);

  /// The answer's result. An answer that nobody asked for is a violation.
  /// @errors of the answer: failure with its code as disposition and code "answer"; else disconnected, timed_out
  rt::task<json::value> call(std::string method, json::object params = {},
                             rt::duration limit = std::chrono::seconds(15));
  rt::task<void> type(std::int64_t channel, std::string text);

 private:
  session(findings& f, handlers h) : findings_(f), handlers_(std::move(h)) {}
  rt::task<json::value> answer(std::int64_t id);
  findings& findings_;
  handlers handlers_;
  std::unique_ptr<net::websocket> socket_;
  std::int64_t last_id_ = 0;
};

/// True for failures that a browser answers by connecting again.
bool lost(const failure&);

}  // namespace atrium::tests
