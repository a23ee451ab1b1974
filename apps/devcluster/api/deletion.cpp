#include "apps/devcluster/api/registry.hpp"

namespace atrium::devcluster {

std::int64_t registry::grace_of(const object_ptr& object, const delete_options& options) const {
  if (&object->type() != &kinds::pods()) return 0;
  // Nothing runs for a pod that no node has, or that has ended.
  const auto phase = text_at(object->value(), {"status", "phase"});
  if (text_at(object->value(), {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed") return 0;
  return std::max<std::int64_t>(
      0,
      options.grace_seconds.value_or(int_at(object->value(), {"spec", "terminationGracePeriodSeconds"}).value_or(30)));
}

object_ptr registry::remove_now(const object_ptr& object) {
  auto last = store_.erase(object->type(), object->name_space(), object->name());
  if (last && object->type().namespaced) {
    const auto home = store_.get(kinds::namespaces(), "", object->name_space());
    if (home && find(home->value(), {"metadata", "deletionTimestamp"})) empty_namespace(home->name());
  }
  return last;
}

void registry::empty_namespace(std::string_view name) {
  const std::string home(name);
  bool left = false;
  for (const auto& type : resource_types()) {
    if (!type.namespaced) continue;
    const auto inside = store_.list(type, home, {});
    if (!inside) continue;
    for (const auto& object : inside->items) {
      if (find(object->value(), {"metadata", "deletionTimestamp"})) left = true;
      else if (const auto done = remove(type, home, std::string(object->name()), {}); done && !done->gone) left = true;
    }
  }
  // The removal of the last object inside may have got here first.
  if (!left) (void)store_.erase(kinds::namespaces(), "", home);
}

result<deleted> registry::remove(const resource_type& type, const std::string& name_space, const std::string& name,
                                 const delete_options& options) {
  const auto found = store_.get(type, name_space, name);
  if (!found) return not_found(type, name);
  if (!options.uid.empty() && options.uid != found->uid())
    return conflict(type, name,
                    "Precondition failed: UID in precondition: " + options.uid +
                        ", UID in object meta: " + std::string(found->uid()));
  if (!options.resource_version.empty() && options.resource_version != std::to_string(found->revision()))
    return conflict(type, name,
                    "Precondition failed: ResourceVersion in precondition: " + options.resource_version +
                        ", ResourceVersion in object meta: " + std::to_string(found->revision()));
  if (&type == &kinds::namespaces() && (name == "default" || name.starts_with("kube-")))
    return api_error("Forbidden", "namespaces \"" + name + "\" is forbidden: this namespace may not be deleted");
  const std::int64_t grace = grace_of(found, options);
  const bool held =
      grace > 0 || !array_at(found->value(), {"metadata", "finalizers"}).empty() || &type == &kinds::namespaces();
  if (options.dry_run) return deleted{found, !held};
  if (!held) return deleted{remove_now(found), true};

  const auto before = int_at(found->value(), {"metadata", "deletionGracePeriodSeconds"});
  if (find(found->value(), {"metadata", "deletionTimestamp"}) && before.value_or(0) <= grace)
    return deleted{found, false};
  json::value leaving = found->value();
  set_at(leaving, {"metadata", "deletionTimestamp"}, json::string(rfc3339(now_() + std::chrono::seconds(grace))));
  set_at(leaving, {"metadata", "deletionGracePeriodSeconds"}, grace);
  if (&type == &kinds::namespaces()) set_at(leaving, {"status", "phase"}, "Terminating");
  auto now = store_.put(type, name_space, name, std::move(leaving));
  if (&type == &kinds::namespaces()) {
    empty_namespace(name);
    return deleted{now, store_.get(type, "", name) == nullptr};
  }
  return deleted{std::move(now), false};
}

result<list_page> registry::remove_collection(const resource_type& type, const std::string& name_space,
                                              const selector& which, const delete_options& options) {
  auto page = store_.list(type, name_space, which);
  if (!page) return page;
  for (auto& object : page->items)
    if (auto done = remove(type, std::string(object->name_space()), std::string(object->name()), options))
      object = done->object;
  page->at = store_.current();
  return page;
}

bool registry::modify(const resource_type& type, std::string_view name_space, std::string_view name,
                      std::string_view uid, const std::function<void(json::value&)>& change) {
  const auto found = store_.get(type, name_space, name);
  if (!found || (!uid.empty() && found->uid() != uid)) return false;
  json::value after = found->value();
  change(after);
  if (after != found->value()) store_.put(type, name_space, name, std::move(after));
  return true;
}

void registry::finish_deletion(const resource_type& type, std::string_view name_space, std::string_view name,
                               std::string_view uid) {
  const auto found = store_.get(type, name_space, name);
  if (!found || found->uid() != uid) return;
  if (array_at(found->value(), {"metadata", "finalizers"}).empty()) {
    remove_now(found);
    return;
  }
  modify(type, name_space, name, uid,
         [](json::value& pod) { set_at(pod, {"metadata", "deletionGracePeriodSeconds"}, 0); });
}

}  // namespace atrium::devcluster
