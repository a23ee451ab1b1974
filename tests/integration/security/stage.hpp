/// @file stage.hpp - one running system for all cases of this program: Ada owns a project in which a server tells what
/// it was sent, Bob works with her, Eve is a stranger with an account and a project of her own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "atrium/net/websocket.hpp"
#include "tests/integration/http/fixture.hpp"
#include "tests/integration/system/running_system.hpp"

namespace atrium::tests {

namespace json = boost::json;

class security : public testing::Test {
 protected:
  static constexpr unsigned port = 18100;  ///< of the telling server, inside the project

  static void SetUpTestSuite();
  static void TearDownTestSuite();
  /// Runs a case, bounded in time.
  void run(rt::task<void> body, rt::duration limit = std::chrono::seconds(60));

  static running_system& system() { return *all_->system; }
  static person& ada() { return all_->ada; }
  static person& bob() { return all_->bob; }
  static person& eve() { return all_->eve; }
  static person& nobody() { return all_->nobody; }
  static const std::string& project() { return all_->project; }
  static std::string own_origin() { return "http://" + system().address().authority(); }
  static std::string at(std::string_view rest) { return "/" + project() + std::string(rest); }
  /// Path of the telling server: the whole path (kept), `rest` behind it.
  static std::string telling(std::string_view rest) { return at("/port/" + std::to_string(port) + std::string(rest)); }

  /// Connects to the edge, from any address of this machine.
  static raw_client connect(const std::string& source = "127.0.0.1");
  /// Sends bytes to the edge, ends the sending side, and gives everything that comes back.
  static rt::task<std::string> say(std::string bytes, std::string source = "127.0.0.1");
  /// Everything up to the end of a connection; a failure of the test when that does not come.
  static rt::task<std::string> rest_of(raw_client& c, rt::duration limit = std::chrono::seconds(20));
  /// Head fields that every honest request of Ada's has: "Host", "Cookie", "Origin", each with its line end.
  static std::string fields_of(const person& p);
  /// What has reached the telling server since the last call, byte for byte, on connections that brought `word` (a path
  /// of the case's own: what an earlier one was refused may come late).
  static rt::task<std::string> heard(std::string word);
  static rt::task<std::unique_ptr<net::websocket>> open(const person& p, std::string target, net::headers more = {});
  /// Status that refuses a WebSocket, 101 when it is opened.
  static rt::task<unsigned> refusal(std::string target, net::headers h);
  /// Waits for the end of a session, a failure of the test when that does not come; gives how long it took and the
  /// close code (0: cut).
  static rt::task<std::pair<std::chrono::milliseconds, unsigned>> wait_end(net::websocket& ws);

 private:
  struct everything {
    rt::loop loop;
    /// Ports on the application's origin: the harder case, where nothing but hub-proxy stands between them.
    std::unique_ptr<running_system> system =
        std::make_unique<running_system>("", std::vector<std::string>{"--content-host="});
    person ada{*system}, bob{*system}, eve{*system}, nobody{*system};
    std::string project;
  };
  static rt::task<void> prepare(everything& all);
  static inline std::unique_ptr<everything> all_;
};

/// First line of an answer: "HTTP/1.1 400 Bad Request" -> 400; 0 when there is none.
unsigned status_of(std::string_view answer);
/// How many answers stand in `text`.
std::size_t answers_in(std::string_view text);
/// Of their session.
std::string token_of(const person& p);
/// Whether a call of the API answered with an error.
bool refused(const json::value& answer);

}  // namespace atrium::tests
