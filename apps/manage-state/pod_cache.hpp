/// @file pod_cache.hpp - the pods of projects as the cluster has them now. Layer: apps/manage-state.
#pragma once

#include <memory>
#include <vector>

#include "apps/manage-state/pod_view.hpp"
#include "atrium/k8s/informer.hpp"

namespace atrium::manage_state {

/// Caches of the pods of all namespaces. Every replica keeps them, so that a new leader has nothing to load.
class pod_cache {
 public:
  pod_cache(k8s::client&, std::vector<std::string> namespaces, k8s::reflector_options);
  void on_change(std::function<void(domain::project_id)> f) { changed_ = std::move(f); }
  rt::task<void> run();
  rt::task<void> wait_synced();
  bool synced() const noexcept;
  /// Good until the next await. Of two pods (namespaces were re-arranged) the one that is not ending.
  const pod_view* find(domain::project_id) const;
  template <class F>
  void for_each(F f) const {
    for (const auto& i : informers_) i->for_each([&](const std::string&, const pod_view& p) { f(p); });
  }

 private:
  std::vector<std::string> namespaces_;
  std::vector<std::unique_ptr<k8s::informer<pod_view>>> informers_;
  std::function<void(domain::project_id)> changed_;
};

}  // namespace atrium::manage_state
