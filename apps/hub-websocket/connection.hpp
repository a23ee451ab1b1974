/// @file connection.hpp - one browser's WebSocket on `/hub`: requests, answers, subscriptions, pushes. Layer:
/// apps/hub-websocket.
#pragma once

#include <boost/json/fwd.hpp>
#include <map>

#include "apps/hub-websocket/feed.hpp"
#include "apps/hub-websocket/rate_limit.hpp"
#include "apps/operations/auth.hpp"
#include "atrium/net/websocket.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::hub_websocket {

struct connection_limits {
  double requests_per_second = 50, burst = 300;
  std::size_t concurrent_requests = 16;  ///< beyond, reading pauses
  std::size_t refusals = 1000;           ///< requests refused by the rate limit until it is closed with 1008
  std::size_t subscriptions = 16;
  rt::duration request_time = std::chrono::seconds(60);
  std::chrono::milliseconds longest_move =
      std::chrono::seconds(3);  ///< clients of a draining hub come back within this time
};

/// What all connections share.
struct hub_parts {
  pg::pool& pool;
  hub_websocket::registry& clients;
  hub_websocket::feed& feed;
  connection_limits limits;
};

/// Whose connection it is.
struct session_owner {
  std::optional<domain::account_id> account_id;  ///< empty: nobody is signed in; then every method but ping is refused
  std::string session_hash;
};

class connection final : public client {
 public:
  connection(hub_parts&, std::unique_ptr<net::websocket>, session_owner);
  ~connection() override;

  /// Says hello and serves until the session is closed by either side.
  rt::task<void> run(std::string hello);

  void sign_out() noexcept override;
  void move() noexcept override;
  std::size_t queued_bytes() const noexcept override { return socket_->queued_bytes(); }

 private:
  struct live_query {
    query_kind kind;
    live_index::subscription_ptr subscription;
  };

  rt::task<void> serve_requests();
  bool accepts(const net::websocket_message&);
  void end_subscriptions() noexcept;
  rt::task<void> serve(std::string text);
  rt::task<void> dispatch(std::int64_t id, std::string_view method, const boost::json::object& params);
  rt::task<void> subscribe(std::int64_t id, const boost::json::object& params);
  void unsubscribe(std::int64_t id, const boost::json::object& params);
  void push(std::string message);
  void close_soon(std::uint16_t code, std::string reason);
  rt::task<void> close(std::uint16_t code, std::string reason);
  rt::task<void> check_session();

  hub_parts& hub_;
  std::unique_ptr<net::websocket> socket_;
  rt::scope* scope_ = nullptr;
  rate_limit rate_;
  rt::semaphore slots_;
  std::size_t refused_ = 0;
  bool closing_ = false;
  std::uint64_t last_subscription_ = 0;
  std::map<std::uint64_t, live_query> subscriptions_;
};

}  // namespace atrium::hub_websocket
