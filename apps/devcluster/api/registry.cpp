#include "apps/devcluster/api/registry.hpp"

#include <algorithm>

#include "apps/devcluster/api/apply.hpp"
#include "apps/devcluster/api/rules.hpp"
#include "apps/devcluster/api/schema.hpp"
#include "apps/devcluster/store/patch.hpp"
#include "apps/domain/crypto.hpp"
#include "apps/domain/ids.hpp"

namespace atrium::devcluster {

namespace {

std::string resource_name(const resource_type& type) {
  return type.group.empty() ? std::string(type.plural) : std::string(type.plural) + "." + std::string(type.group);
}

std::string random_suffix() {
  static constexpr char letters[] = "bcdfghjklmnpqrstvwxz2456789";  // no vowels: no words
  std::byte bytes[5];
  domain::random_bytes(bytes);
  std::string out;
  for (const auto b : bytes) out += letters[std::to_integer<unsigned>(b) % (sizeof letters - 1)];
  return out;
}

/// Fields of metadata that only the server writes.
void keep_system_metadata(const json::value& before, json::value& after) {
  for (const std::string_view field : {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                                       "resourceVersion", "namespace", "name", "generateName"}) {
    if (const auto* kept = find(before, {"metadata", field})) set_at(after, {"metadata", field}, *kept);
    else erase_at(after, {"metadata", field});
  }
}

/// As deep as the JSON of a request may be, and of the journal: a patch must not make what could not be read back.
constexpr unsigned deepest = 32;

bool fits_into(unsigned levels, const json::value& v) noexcept {
  if (const auto* array = v.if_array())
    return levels > 0 &&
           std::ranges::all_of(*array, [=](const json::value& element) { return fits_into(levels - 1, element); });
  if (const auto* object = v.if_object())
    return levels > 0 &&
           std::ranges::all_of(*object, [=](const auto& member) { return fits_into(levels - 1, member.value()); });
  return true;
}

constexpr std::string_view modified_meanwhile =
    "the object has been modified; please apply your changes to the latest version and try again";

}  // namespace

std::string new_uid() { return std::string(domain::uuid_text::random().view()); }

error not_found(const resource_type& type, std::string_view name) {
  return api_error("NotFound", resource_name(type) + " \"" + std::string(name) + "\" not found");
}

error conflict(const resource_type& type, std::string_view name, std::string_view why) {
  return api_error("Conflict", "Operation cannot be fulfilled on " + resource_name(type) + " \"" + std::string(name) +
                                   "\": " + std::string(why));
}

void registry::bootstrap() {
  for (const std::string name : {"default", "kube-node-lease", "kube-public", "kube-system"})
    if (!store_.get(kinds::namespaces(), "", name))
      (void)create(kinds::namespaces(), "",
                   {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}}, {});
}

result<object_ptr> registry::get(const resource_type& type, const std::string& name_space,
                                 const std::string& name) const {
  auto found = store_.get(type, name_space, name);
  if (!found) return not_found(type, name);
  return found;
}

result<std::vector<std::string>> registry::admit(const resource_type& type, const json::value& body,
                                                 const write_options& options) const {
  if (!body.is_object()) return api_error("BadRequest", "The body must be a JSON object.");
  if (!fits_into(deepest, body)) return api_error("BadRequest", "The object is nested more than 32 levels deep.");
  if (text_at(body, {"kind"}) != type.kind || text_at(body, {"apiVersion"}) != type.api_version())
    return api_error("BadRequest", "The object has the wrong type: this address takes kind " + std::string(type.kind) +
                                       " of " + std::string(type.api_version()) + ".");
  auto unknown = check_fields(type, body);
  if (!unknown) {
    return api_error("BadRequest", std::string(type.kind) + " in version \"" + std::string(type.version) +
                                       "\" cannot be handled as a " + std::string(type.kind) + ": " +
                                       unknown.error().public_text());
  }
  if (options.strict && !unknown->empty()) {
    std::string list;
    for (const auto& field : *unknown) list += (list.empty() ? "" : ", ") + ("unknown field \"" + field + "\"");
    return api_error("BadRequest", std::string(type.kind) + " in version \"" + std::string(type.version) +
                                       "\" cannot be handled as a " + std::string(type.kind) +
                                       ": strict decoding error: " + list);
  }
  return unknown;
}

result<void> registry::prepare_new(const resource_type& type, const std::string& name_space, json::value& body) {
  if (!text_at(body, {"metadata", "resourceVersion"}).empty())
    return api_error("BadRequest", "resourceVersion should not be set on objects to be created");
  if (const auto own = text_at(body, {"metadata", "namespace"}); type.namespaced && !own.empty() && own != name_space)
    return api_error("BadRequest",
                     "the namespace of the provided object does not match the namespace sent on the request");
  if (type.namespaced) {
    const auto home = store_.get(kinds::namespaces(), "", name_space);
    if (!home) return not_found(kinds::namespaces(), name_space);
    if (find(home->value(), {"metadata", "deletionTimestamp"}))
      return api_error("Forbidden",
                       "unable to create new content in namespace " + name_space + " because it is being terminated");
    set_at(body, {"metadata", "namespace"}, json::string(name_space));
  }
  const std::string prefix(text_at(body, {"metadata", "generateName"}));
  if (text_at(body, {"metadata", "name"}).empty() && !prefix.empty()) {
    std::string name;
    do name = prefix.substr(0, 58) + random_suffix();
    while (store_.get(type, type.namespaced ? name_space : "", name));
    set_at(body, {"metadata", "name"}, json::string(name));
  }
  if (text_at(body, {"metadata", "name"}).empty())
    return api_error(
        "Invalid",
        std::string(type.kind) + " \"\" is invalid: metadata.name: Required value: name or generateName is required");
  for (const std::string_view field : {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"})
    erase_at(body, {"metadata", field});
  set_at(body, {"metadata", "uid"}, json::string(new_uid()));
  set_at(body, {"metadata", "creationTimestamp"}, json::string(rfc3339(now_())));
  if (type.plural == "pods") erase_at(body, {"status"});
  set_defaults(type, body);
  return validate(type, body);
}

result<written> registry::create(const resource_type& type, const std::string& name_space, json::value body,
                                 const write_options& options) {
  auto warnings = admit(type, body, options);
  if (!warnings) return warnings.error();
  if (auto ready = prepare_new(type, name_space, body); !ready) return ready.error();
  const std::string name(text_at(body, {"metadata", "name"})), home = type.namespaced ? name_space : "";
  if (store_.get(type, home, name))
    return api_error("AlreadyExists", resource_name(type) + " \"" + name + "\" already exists");
  if (options.dry_run)
    return written{std::make_shared<const object>(type, object_key(home, name), store_.current(), std::move(body)),
                   true, std::move(*warnings)};
  return written{store_.put(type, home, name, std::move(body)), true, std::move(*warnings)};
}

result<written> registry::store_update(const object_ptr& before, json::value after, const write_options& options) {
  const auto& type = before->type();
  if (options.subresource == "status") {
    json::value merged = before->value();
    const auto* status = find(after, {"status"});
    set_at(merged, {"status"}, status ? *status : json::value(json::object()));
    for (const std::string_view field : {"labels", "annotations", "managedFields"})
      if (const auto* kept = find(after, {"metadata", field})) set_at(merged, {"metadata", field}, *kept);
    after = std::move(merged);
  } else if (type.status) {
    if (const auto* status = find(before->value(), {"status"})) set_at(after, {"status"}, *status);
    else erase_at(after, {"status"});
  }
  keep_system_metadata(before->value(), after);
  set_defaults(type, after);
  if (auto ok = validate(type, after); !ok) return ok.error();
  if (auto ok = validate_update(type, before->value(), after); !ok) return ok.error();
  if (after == before->value()) return written{before, false, {}};
  if (options.dry_run)
    return written{
        std::make_shared<const object>(type, before->key(), before->revision(), std::move(after)), false, {}};
  auto now = store_.put(type, before->name_space(), before->name(), std::move(after));
  const bool leaving = find(now->value(), {"metadata", "deletionTimestamp"}) &&
                       array_at(now->value(), {"metadata", "finalizers"}).empty();
  if (leaving && int_at(now->value(), {"metadata", "deletionGracePeriodSeconds"}).value_or(0) == 0 &&
      &type != &kinds::namespaces())
    return written{remove_now(now), false, {}};
  return written{std::move(now), false, {}};
}

result<written> registry::replace(const resource_type& type, const std::string& name_space, const std::string& name,
                                  json::value body, const write_options& options) {
  auto warnings = admit(type, body, options);
  if (!warnings) return warnings.error();
  const auto before = store_.get(type, name_space, name);
  if (!before) return not_found(type, name);
  const auto own_name = text_at(body, {"metadata", "name"});
  if (own_name != name)
    return api_error("BadRequest", "the name of the object (" + std::string(own_name) +
                                       ") does not match the name on the URL (" + name + ")");
  if (const auto own = text_at(body, {"metadata", "namespace"}); !own.empty() && own != name_space)
    return api_error("BadRequest",
                     "the namespace of the provided object does not match the namespace sent on the request");
  if (const auto uid = text_at(body, {"metadata", "uid"}); !uid.empty() && uid != before->uid())
    return conflict(type, name,
                    "Precondition failed: UID in precondition: " + std::string(uid) +
                        ", UID in object meta: " + std::string(before->uid()));
  if (const auto rv = text_at(body, {"metadata", "resourceVersion"});
      !rv.empty() && rv != std::to_string(before->revision()))
    return conflict(type, name, modified_meanwhile);
  auto done = store_update(before, std::move(body), options);
  if (done) done->warnings = std::move(*warnings);
  return done;
}

result<written> registry::patch(const resource_type& type, const std::string& name_space, const std::string& name,
                                patch_kind how, const json::value& body, const write_options& options) {
  const auto before = store_.get(type, name_space, name);
  if (how == patch_kind::apply) {
    if (!before && options.subresource.empty()) {
      json::value fresh = body;
      set_at(fresh, {"metadata", "name"}, json::string(name));
      if (auto ok = record_apply(fresh, body, options.manager, now_()); !ok) return ok.error();
      return create(type, name_space, std::move(fresh), options);
    }
  }
  if (!before) return not_found(type, name);
  json::value after = before->value();
  if (how == patch_kind::json) {
    if (auto ok = apply_json_patch(after, body); !ok) return ok.error();
  } else if (how == patch_kind::merge) {
    if (!body.is_object()) return api_error("BadRequest", "A merge patch of an object is an object.");
    apply_merge_patch(after, body);
  } else if (how == patch_kind::strategic) {
    if (auto ok = apply_strategic_patch(after, body); !ok) return ok.error();
  } else if (auto ok = merge_applied(after, body, options.manager, options.force, now_()); !ok) {
    return ok.error();
  }
  if (text_at(after, {"metadata", "name"}) != name)
    return api_error("BadRequest", "A patch cannot change the name of an object.");
  return replace(type, name_space, name, std::move(after), options);
}

}  // namespace atrium::devcluster
