#include "apps/manage-state/pod_cache.hpp"

#include "apps/domain/project_pod.hpp"

namespace atrium::manage_state {

pod_cache::pod_cache(k8s::client& api, std::vector<std::string> namespaces, k8s::reflector_options options)
    : namespaces_(std::move(namespaces)) {
  for (const auto& ns : namespaces_) {
    auto i = std::make_unique<k8s::informer<pod_view>>(
        api, k8s::resources::pods,
        k8s::informer_options{
            .ns = ns, .label_selector = std::string(domain::project_pod_selector), .reflector = options},
        view_of);
    i->on_changed([this](const std::string&, const pod_view*, const pod_view& now) {
      if (changed_) changed_(now.project);
    });
    i->on_deleted([this](const std::string&, const pod_view& last) {
      if (changed_) changed_(last.project);
    });
    informers_.push_back(std::move(i));
  }
}

rt::task<void> pod_cache::run() {
  rt::scope s(&co_await rt::this_task());
  for (auto& i : informers_) s.spawn(i->run(), "watch pods");
  co_await s.join();
}

rt::task<void> pod_cache::wait_synced() {
  for (auto& i : informers_) co_await i->wait_synced();
}

bool pod_cache::synced() const noexcept {
  for (const auto& i : informers_)
    if (!i->synced()) return false;
  return true;
}

const pod_view* pod_cache::find(domain::project_id id) const {
  const pod_view* found = nullptr;
  for (std::size_t i = 0; i < informers_.size(); ++i) {
    const auto* p = informers_[i]->find(namespaces_[i] + "/" + domain::pod_name(id));
    if (p && (!found || found->terminating || found->over)) found = p;
  }
  return found;
}

}  // namespace atrium::manage_state
