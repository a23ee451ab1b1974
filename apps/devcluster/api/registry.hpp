/// @file registry.hpp - the verbs of the API on the object store: names, versions, defaults, deletion. Layer:
/// apps/devcluster, I/O-free.
#pragma once

#include <functional>
#include <string>

#include "apps/devcluster/store/store.hpp"

namespace atrium::devcluster {

struct write_options {
  bool dry_run = false;
  bool strict = false;  ///< unknown fields are refused; otherwise they come back as warnings
  bool force = false;   ///< server-side apply takes fields from other managers
  std::string manager;
  std::string subresource;  ///< empty or "status"
};

struct delete_options {
  bool dry_run = false;
  std::optional<std::int64_t> grace_seconds;
  std::string uid, resource_version;  ///< preconditions
};

enum class patch_kind : std::uint8_t { json, merge, strategic, apply };

struct written {
  object_ptr object;
  bool created = false;
  std::vector<std::string> warnings;
};

struct deleted {
  object_ptr object;  ///< the last state, or with gone == false the object that is on its way out
  bool gone = false;
};

class registry {
 public:
  registry(object_store& store, std::function<wall_time()> now) : store_(store), now_(std::move(now)) {}

  /// Namespaces that every cluster has.
  void bootstrap();

  result<object_ptr> get(const resource_type& type, const std::string& name_space, const std::string& name) const;
  result<written> create(const resource_type& type, const std::string& name_space, json::value body,
                         const write_options& options);
  /// @errors NotFound: it creates nothing
  result<written> replace(const resource_type& type, const std::string& name_space, const std::string& name,
                          json::value body, const write_options& options);
  result<written> patch(const resource_type& type, const std::string& name_space, const std::string& name,
                        patch_kind how, const json::value& body, const write_options& options);
  result<deleted> remove(const resource_type& type, const std::string& name_space, const std::string& name,
                         const delete_options& options);
  /// All that match; the last states.
  result<list_page> remove_collection(const resource_type& type, const std::string& name_space, const selector& which,
                                      const delete_options& options);

  /// For our own parts: changes an object in place, without optimistic locking (one thread). False: no such object (any
  /// more), or `uid` is given and another's.
  bool modify(const resource_type& type, std::string_view name_space, std::string_view name, std::string_view uid,
              const std::function<void(json::value&)>& change);
  /// Removes a pod whose sandbox is gone.
  void finish_deletion(const resource_type& type, std::string_view name_space, std::string_view name,
                       std::string_view uid);

  object_store& store() noexcept { return store_; }
  wall_time now() const { return now_(); }

 private:
  result<void> prepare_new(const resource_type& type, const std::string& name_space, json::value& body);
  result<written> store_update(const object_ptr& before, json::value after, const write_options& options);
  result<std::vector<std::string>> admit(const resource_type& type, const json::value& body,
                                         const write_options& options) const;
  object_ptr remove_now(const object_ptr& object);
  void empty_namespace(std::string_view name);
  std::int64_t grace_of(const object_ptr& object, const delete_options& options) const;

  object_store& store_;
  std::function<wall_time()> now_;
};

std::string new_uid();

/// `pods "x" not found`
error not_found(const resource_type& type, std::string_view name);
error conflict(const resource_type& type, std::string_view name, std::string_view why);

}  // namespace atrium::devcluster
