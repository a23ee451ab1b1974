/// @file front.hpp - the API over HTTP: sign-in, watches as streams, answers. Layer: apps/devcluster.
#pragma once

#include <string>

#include "apps/devcluster/api/api.hpp"
#include "atrium/net/server.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::devcluster {

/// Who answers calls to running pods.
class pod_calls {
 public:
  virtual ~pod_calls() = default;
  /// Answers the exchange. A failure thrown before an answer is sent becomes a Status.
  virtual rt::task<void> serve(net::exchange& ex, const pod_call& call) = 0;
};

class front {
 public:
  /// `token` is the administrator's; `calls` may be null (no node here). All must outlive this.
  front(api& requests, object_store& store, std::string token, pod_calls* calls);

  /// Serves one exchange.
  rt::task<void> operator()(net::exchange& ex);
  /// Ends watches, so that clients reconnect elsewhere or later.
  void drain() noexcept;

 private:
  rt::task<void> serve(net::exchange& ex);
  rt::task<void> stream_watch(net::exchange& ex, const watch_plan& plan);
  rt::task<void> send_changes(net::body_writer& to, const watch_plan& plan, std::string batch, const bool& gone);
  rt::task<void> notice_leaving(net::exchange& ex, bool& gone);
  bool signed_in(const net::request& request) const noexcept;

  api& requests_;
  object_store& store_;
  std::string token_;
  pod_calls* calls_;
  rt::condition changed_;
  bool draining_ = false;
};

/// Answers with a Status.
rt::task<void> respond_status(net::exchange& ex, const error& e);

}  // namespace atrium::devcluster
