#include "apps/manage-state/pod_events.hpp"

#include <boost/json.hpp>

#include "apps/manage-state/trouble.hpp"
#include "atrium/base/log.hpp"
#include "atrium/k8s/objects.hpp"

namespace atrium::manage_state {

rt::task<void> pod_events::run() {
  for (;;) {
    try {
      co_await look();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("events of pods could not be read", {{"error", f.error()}});
    }
    co_await rt::sleep_for(interval_);
  }
}

rt::task<void> pod_events::look() {
  struct waiting {
    domain::project_id project;
    std::string ns, uid;
  };
  std::vector<waiting> all;
  const auto long_ago = domain::now() - std::chrono::floor<std::chrono::milliseconds>(interval_);
  pods_.for_each([&](const pod_view& p) {
    if (is_being_made(p) && p.waiting_since && *p.waiting_since <= long_ago) all.push_back({p.project, p.ns, p.uid});
  });
  std::map<domain::project_id, known> now;
  for (auto& w : all) now[w.project] = {w.uid, co_await newest(w.ns, w.uid)};
  const auto before = std::exchange(known_, std::move(now));
  for (const auto& [project, k] : known_)
    if (const auto at = before.find(project); at == before.end() || at->second != k) changed_(project);
}

rt::task<std::string> pod_events::newest(std::string ns, std::string uid) {
  const auto list = co_await api_.list(k8s::resources::events, ns, {.field_selector = "involvedObject.uid=" + uid});
  std::string reason;
  std::optional<k8s::wall_time> seen;
  for (const auto& item : *list.items) {
    auto e = k8s::parse_event(item);
    if (!tells_of_making(e.reason) || e.last_seen < seen) continue;
    seen = e.last_seen;
    reason = std::move(e.reason);
  }
  co_return reason;
}

std::string_view pod_events::reason(const pod_view& p) const {
  const auto at = known_.find(p.project);
  return at != known_.end() && at->second.uid == p.uid ? std::string_view(at->second.reason) : events_not_read;
}

}  // namespace atrium::manage_state
