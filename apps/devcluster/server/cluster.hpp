/// @file cluster.hpp - the API server as one thing: objects on disk, the API over TLS. Layer: apps/devcluster.
#pragma once

#include <string>

#include "apps/devcluster/server/credentials.hpp"
#include "apps/devcluster/server/front.hpp"
#include "apps/devcluster/store/journal.hpp"

namespace atrium::devcluster {

class cluster_state {
 public:
  /// Reads everything below `folder`, or begins an empty cluster there. @errors conflict (another process uses it),
  /// failed
  explicit cluster_state(std::string folder);

  object_store& store() noexcept { return store_; }
  registry& objects() noexcept { return registry_; }
  api& requests() noexcept { return api_; }
  const credentials& keys() const noexcept { return credentials_; }

  /// Syncs and compacts the journal, forgets old events. Runs until cancelled.
  rt::task<void> keep();
  /// The last sync, at the end.
  rt::task<void> flush();

 private:
  void forget_old_events();
  rt::task<void> compact();

  std::string folder_;
  journal journal_;
  object_store store_;
  registry registry_;
  api api_;
  credentials credentials_;
};

/// Binds `address`; for port 0 the port of the last time, while it is free, so that kubeconfig files stay good.
/// The kernel may hold the port of a killed process for a moment longer (its ring is taken down behind its back): waits
/// for that.
rt::task<rt::listener> bind_api(std::string address, std::string folder);

}  // namespace atrium::devcluster
