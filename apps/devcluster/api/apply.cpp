#include "apps/devcluster/api/apply.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <vector>

#include "apps/devcluster/store/patch.hpp"

namespace atrium::devcluster {

namespace {

/// Steps as in FieldsV1: "f:spec", "k:{\"name\":\"main\"}", "v:\"x\"".
using field_path = std::vector<std::string>;
using field_set = std::set<field_path>;

bool identity(const field_path& at, std::string_view key) noexcept {
  if (at.empty()) return key == "apiVersion" || key == "kind";
  if (at.size() != 1 || at[0] != "f:metadata") return false;
  return key == "name" || key == "namespace" || key == "managedFields" || key == "uid" || key == "resourceVersion" ||
         key == "creationTimestamp" || key == "generateName";
}

void collect(const json::value& value, const std::string& dotted, field_path& at, field_set& out) {
  if (const auto* object = value.if_object(); object && (!object->empty() || at.empty())) {
    for (const auto& [key, member] : *object) {
      if (identity(at, std::string_view(key))) continue;
      at.push_back("f:" + std::string(key));
      collect(member, (dotted.empty() ? "" : dotted + ".") + std::string(key), at, out);
      at.pop_back();
    }
    return;
  }
  const auto* array = value.if_array();
  const auto key = merge_key(dotted);
  if (array && !key.empty()) {
    for (const auto& element : *array) {
      const auto* id = find(element, {key});
      if (!id) continue;
      at.push_back("k:" + json::serialize(json::value{{key, *id}}));
      collect(element, dotted, at, out);
      at.pop_back();
    }
  } else if (array && is_set_list(dotted)) {
    for (const auto& element : *array) {
      at.push_back("v:" + json::serialize(element));
      out.insert(at);
      at.pop_back();
    }
  } else {
    out.insert(at);
  }
}

field_set fields_of(const json::value& object) {
  field_set out;
  field_path at;
  collect(object, "", at, out);
  return out;
}

json::value encode(const field_set& fields) {
  json::value root = json::object();
  for (const auto& path : fields) {
    json::value* at = &root;
    for (const auto& step : path) {
      json::value& next = at->get_object()[step];
      if (!next.is_object()) next.emplace_object();
      if (step.starts_with("k:")) next.get_object()["."] = json::object();
      at = &next;
    }
  }
  return root;
}

void decode(const json::value& encoded, field_path& at, field_set& out) {
  const auto* object = encoded.if_object();
  if (!object) return;
  bool leaf = true;
  for (const auto& [step, below] : *object) {
    if (step == ".") continue;
    leaf = false;
    at.emplace_back(step);
    decode(below, at, out);
    at.pop_back();
  }
  if (leaf && !at.empty()) out.insert(at);
}

/// The place of one step inside `at`, or null.
json::value* step_into(json::value& at, const std::string& step) {
  const std::string_view name = std::string_view(step).substr(2);
  if (step.starts_with("f:")) return find(at, {name});
  auto* array = at.if_array();
  if (!array) return nullptr;
  json::error_code bad;
  const json::value wanted = json::parse(name, bad);
  for (auto& element : *array) {
    if (step.starts_with("v:") && element == wanted) return &element;
    if (!step.starts_with("k:") || !wanted.is_object() || wanted.get_object().empty()) continue;
    const auto& [key, id] = *wanted.get_object().begin();
    const auto* its = find(element, {std::string_view(key)});
    if (its && *its == id) return &element;
  }
  return nullptr;
}

json::value* locate(json::value& root, const field_path& path, std::size_t steps) {
  json::value* at = &root;
  for (std::size_t i = 0; at && i < steps; ++i) at = step_into(*at, path[i]);
  return at;
}

void remove_field(json::value& root, const field_path& path) {
  json::value* parent = locate(root, path, path.size() - 1);
  if (!parent) return;
  json::value* gone = step_into(*parent, path.back());
  if (!gone) return;
  if (auto* object = parent->if_object()) object->erase(path.back().substr(2));
  else parent->get_array().erase(parent->get_array().begin() + (gone - parent->get_array().begin()));
  // An element of a keyed list of which only the key is left goes as well.
  if (path.size() < 2 || !path[path.size() - 2].starts_with("k:") || !parent->is_object() ||
      parent->get_object().size() > 1)
    return;
  json::value* list = locate(root, path, path.size() - 2);
  if (list && list->is_array())
    list->get_array().erase(list->get_array().begin() + (parent - list->get_array().begin()));
}

std::string readable(const field_path& path) {
  std::string out;
  for (const auto& step : path) out += step.starts_with("f:") ? "." + step.substr(2) : "[" + step.substr(2) + "]";
  return out;
}

json::value entry_of(std::string_view manager, const json::value& applied, const field_set& fields, wall_time now) {
  return {{"manager", manager},
          {"operation", "Apply"},
          {"apiVersion", json::string(text_at(applied, {"apiVersion"}))},
          {"time", rfc3339(now)},
          {"fieldsType", "FieldsV1"},
          {"fieldsV1", encode(fields)}};
}

field_set decoded(const json::value& entry) {
  field_set out;
  field_path at;
  if (const auto* fields = find(entry, {"fieldsV1"})) decode(*fields, at, out);
  return out;
}

}  // namespace

result<void> record_apply(json::value& target, const json::value& applied, std::string_view manager, wall_time now) {
  if (manager.empty())
    return api_error("BadRequest", "metadata.managedFields: fieldManager is required for apply patch");
  json::array entries;
  for (const auto& entry : array_at(target, {"metadata", "managedFields"}))
    if (text_at(entry, {"manager"}) != manager || text_at(entry, {"operation"}) != "Apply") entries.push_back(entry);
  entries.push_back(entry_of(manager, applied, fields_of(applied), now));
  set_at(target, {"metadata", "managedFields"}, std::move(entries));
  return {};
}

result<void> merge_applied(json::value& target, const json::value& applied, std::string_view manager, bool force,
                           wall_time now) {
  if (!applied.is_object()) return api_error("BadRequest", "An apply patch is an object.");
  if (manager.empty())
    return api_error("BadRequest", "metadata.managedFields: fieldManager is required for apply patch");
  if (find(applied, {"metadata", "managedFields"}))
    return api_error("BadRequest", "metadata.managedFields must be nil");
  const field_set wanted = fields_of(applied);
  field_set before, of_others;
  std::string conflicts;
  json::value applied_copy = applied;
  json::array entries;
  for (const auto& entry : array_at(target, {"metadata", "managedFields"})) {
    field_set theirs = decoded(entry);
    if (text_at(entry, {"manager"}) == manager && text_at(entry, {"operation"}) == "Apply") {
      before = std::move(theirs);
      continue;
    }
    bool lost = false;
    for (const auto& path : wanted) {
      if (!theirs.contains(path)) continue;
      const auto* mine = locate(applied_copy, path, path.size());
      const auto* there = locate(target, path, path.size());
      if (!there || (mine && *mine == *there)) continue;
      if (!force)
        conflicts += " conflict with \"" + std::string(text_at(entry, {"manager"})) + "\": " + readable(path) + ";";
      theirs.erase(path);
      lost = true;
    }
    of_others.insert(theirs.begin(), theirs.end());
    json::value kept = entry;
    if (lost) set_at(kept, {"fieldsV1"}, encode(theirs));
    if (!theirs.empty()) entries.push_back(std::move(kept));
  }
  if (!conflicts.empty())
    return api_error("Conflict",
                     "Apply failed with conflicts:" + conflicts + " Give up these fields, or apply with force.");
  json::value plain = applied;
  erase_at(plain, {"metadata", "managedFields"});
  if (auto ok = apply_strategic_patch(target, plain); !ok) return ok;
  for (const auto& path : before)
    if (!wanted.contains(path) && !of_others.contains(path)) remove_field(target, path);
  entries.push_back(entry_of(manager, applied, wanted, now));
  set_at(target, {"metadata", "managedFields"}, std::move(entries));
  return {};
}

}  // namespace atrium::devcluster
