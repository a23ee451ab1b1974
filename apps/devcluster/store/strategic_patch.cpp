#include <algorithm>
#include <vector>

#include "apps/devcluster/store/patch.hpp"

namespace atrium::devcluster {

namespace {

struct keyed_list {
  std::string_view suffix, key;
};
// The patchMergeKey tags of the API types that we have. A suffix is enough: the names are not used for two kinds of
// list.
constexpr keyed_list keyed_lists[] = {
    {"spec.containers", "name"},
    {"spec.initContainers", "name"},
    {"spec.ephemeralContainers", "name"},
    {"spec.volumes", "name"},
    {"spec.imagePullSecrets", "name"},
    {"spec.hostAliases", "ip"},
    {"spec.topologySpreadConstraints", "topologyKey"},
    {"ontainers.env", "name"},
    {"ontainers.ports", "containerPort"},
    {"ontainers.volumeMounts", "mountPath"},
    {"ontainers.volumeDevices", "devicePath"},
    {"status.conditions", "type"},
    {"status.podIPs", "ip"},
    {"status.hostIPs", "ip"},
    {"status.addresses", "type"},
    {"metadata.ownerReferences", "uid"},
};

std::string child_path(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : std::string(parent) + "." + std::string(key);
}

std::string_view directive(const json::value& v) noexcept { return text_at(v, {"$patch"}); }

bool same_key(const json::value& a, const json::value& b, std::string_view key) noexcept {
  const auto* x = find(a, {key});
  const auto* y = find(b, {key});
  return x && y && *x == *y;
}

/// Directives have no place in stored objects.
json::value without_directives(const json::value& v) {
  if (const auto* object = v.if_object()) {
    json::object out;
    for (const auto& [key, value] : *object)
      if (!key.starts_with('$') && !value.is_null()) out[key] = without_directives(value);
    return out;
  }
  if (const auto* array = v.if_array()) {
    json::array out;
    for (const auto& element : *array)
      if (directive(element) != "delete") out.push_back(without_directives(element));
    return out;
  }
  return v;
}

/// Elements that `order` does not name come last, as they stood.
void put_in_order(json::array& list, const json::array& order, std::string_view key) {
  json::array sorted;
  sorted.reserve(list.size());
  std::vector<bool> taken(list.size());
  for (const auto& wanted : order)
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!taken[i] && (key.empty() ? list[i] == wanted : same_key(list[i], wanted, key))) {
        sorted.push_back(std::move(list[i]));
        taken[i] = true;
        break;
      }
  for (std::size_t i = 0; i < list.size(); ++i)
    if (!taken[i]) sorted.push_back(std::move(list[i]));
  list = std::move(sorted);
}

result<void> merge_object(json::value& target, const json::value& patch, std::string_view path, int depth);

result<void> merge_keyed(json::value& target, const json::array& patch, std::string_view key, std::string_view path,
                         int depth) {
  if (!target.is_array()) target.emplace_array();
  auto& list = target.get_array();
  for (const auto& element : patch)
    if (directive(element) == "replace") {
      json::array replaced;
      for (const auto& other : patch)
        if (directive(other) != "replace") replaced.push_back(without_directives(other));
      list = std::move(replaced);
      return {};
    }
  for (const auto& element : patch) {
    if (!find(element, {key}))
      return api_error("BadRequest", "map: an element of '" + std::string(path) +
                                         "' does not contain declared merge key: " + std::string(key));
    const auto at =
        std::find_if(list.begin(), list.end(), [&](const json::value& v) { return same_key(v, element, key); });
    if (directive(element) == "delete") {
      if (at != list.end()) list.erase(at);
    } else if (at == list.end()) {
      list.push_back(without_directives(element));
    } else if (auto done = merge_object(*at, element, path, depth + 1); !done) {
      return done;
    }
  }
  return {};
}

void merge_set(json::value& target, const json::array& patch) {
  if (!target.is_array()) target.emplace_array();
  auto& list = target.get_array();
  for (const auto& element : patch)
    if (std::find(list.begin(), list.end(), element) == list.end()) list.push_back(element);
}

constexpr std::string_view delete_from = "$deleteFromPrimitiveList/", element_order = "$setElementOrder/";

/// The directives that stand beside the lists which they are about.
void apply_list_directive(json::object& target, std::string_view name, const json::array& argument,
                          std::string_view path) {
  const bool deletes = name.starts_with(delete_from);
  if (!deletes && !name.starts_with(element_order)) return;
  const auto field = name.substr(deletes ? delete_from.size() : element_order.size());
  auto* there = target.if_contains(field);
  auto* list = there ? there->if_array() : nullptr;
  if (!list) return;
  if (!deletes) return put_in_order(*list, argument, merge_key(child_path(path, field)));
  for (const auto& gone : argument)
    for (auto at = list->begin(); at != list->end();) at = *at == gone ? list->erase(at) : at + 1;
}

result<void> merge_object(json::value& target, const json::value& patch, std::string_view path, int depth) {
  if (depth > 64) return api_error("BadRequest", "The patch is nested too deeply.");
  const auto* fields = patch.if_object();
  if (!fields) {
    target = patch;
    return {};
  }
  if (directive(patch) == "replace") {
    target = without_directives(patch);
    return {};
  }
  if (directive(patch) == "delete") {
    target = json::object();
    return {};
  }
  if (!target.is_object()) target.emplace_object();
  auto& object = target.get_object();
  for (const auto& [name, value] : *fields) {
    if (name.starts_with('$')) continue;
    const std::string below = child_path(path, std::string_view(name.data(), name.size()));
    if (value.is_null()) {
      object.erase(name);
    } else if (const auto* list = value.if_array()) {
      if (const auto key = merge_key(below); !key.empty()) {
        if (auto done = merge_keyed(object[name], *list, key, below, depth); !done) return done;
      } else if (is_set_list(below)) {
        merge_set(object[name], *list);
      } else {
        object[name] = without_directives(value);
      }
    } else if (auto done = merge_object(object[name], value, below, depth + 1); !done) {
      return done;
    }
  }
  for (const auto& [name, value] : *fields) {
    if (name == "$retainKeys" && value.is_array()) {
      for (auto at = object.begin(); at != object.end();) {
        const bool kept = std::any_of(value.get_array().begin(), value.get_array().end(), [&](const json::value& v) {
          return v.is_string() && v.get_string() == at->key();
        });
        at = kept ? at + 1 : object.erase(at);
      }
    } else if (value.is_array()) {
      apply_list_directive(object, std::string_view(name.data(), name.size()), value.get_array(), path);
    }
  }
  return {};
}

}  // namespace

std::string_view merge_key(std::string_view path) noexcept {
  for (const auto& list : keyed_lists)
    if (path.ends_with(list.suffix)) return list.key;
  return {};
}

bool is_set_list(std::string_view path) noexcept { return path == "metadata.finalizers"; }

result<void> apply_strategic_patch(json::value& target, const json::value& patch) {
  if (!patch.is_object()) return api_error("BadRequest", "A strategic merge patch is an object.");
  json::value work = target;
  if (auto done = merge_object(work, patch, {}, 0); !done) return done.error();
  target = std::move(work);
  return {};
}

}  // namespace atrium::devcluster
