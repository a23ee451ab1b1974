/// @file store.hpp - versions of objects: one counter, one map a kind, a window of changes. Layer: apps/devcluster,
/// I/O-free.
///
/// Objects are immutable once stored; a write makes a new version. Every write takes the next resourceVersion, stands
/// in the window (for watches and for lists that go on at an older version) and goes to the sink (for the disk) before
/// it returns.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/devcluster/store/selectors.hpp"

namespace atrium::devcluster {

using revision = std::uint64_t;

/// One version of one object.
class object {
 public:
  object(const resource_type& type, std::string key, revision rv, json::value value)
      : type_(type), key_(std::move(key)), revision_(rv), value_(std::move(value)) {}
  const resource_type& type() const noexcept { return type_; }
  /// "<namespace>/<name>"
  const std::string& key() const noexcept { return key_; }
  std::string_view name() const noexcept { return std::string_view(key_).substr(key_.find('/') + 1); }
  std::string_view name_space() const noexcept { return std::string_view(key_).substr(0, key_.find('/')); }
  std::string_view uid() const noexcept { return text_at(value_, {"metadata", "uid"}); }
  atrium::devcluster::revision revision() const noexcept { return revision_; }
  const json::value& value() const noexcept { return value_; }
  /// JSON text, made once.
  const std::string& text() const;

 private:
  const resource_type& type_;
  std::string key_;
  atrium::devcluster::revision revision_;
  json::value value_;
  mutable std::string text_;
};
using object_ptr = std::shared_ptr<const object>;

enum class change_kind : std::uint8_t { added, modified, deleted };

struct change {
  change_kind what;
  object_ptr now;     ///< when deleted: the last state, with the resourceVersion of the deletion
  object_ptr before;  ///< null when added
  revision at() const noexcept { return now->revision(); }
};

struct store_limits {
  std::size_t window_changes = 4096;
  std::size_t window_bytes = 8u << 20;  ///< of JSON text
};

/// Where a list goes on.
struct list_position {
  revision at = 0;        ///< the version that all pages show
  std::string after_key;  ///< the last key of the page before
};

struct list_page {
  std::vector<object_ptr> items;
  revision at = 0;
  std::optional<list_position> next;
  std::size_t remaining = 0;  ///< how many more there are
};

class object_store {
 public:
  explicit object_store(store_limits limits = {}) : limits_(limits) {}

  object_ptr get(const resource_type& type, std::string_view name_space, std::string_view name) const;
  /// Stores a new version. metadata.resourceVersion is set here.
  object_ptr put(const resource_type& type, std::string_view name_space, std::string_view name, json::value value);
  /// Null when there is none. The answer is the last state with the resourceVersion of the deletion.
  object_ptr erase(const resource_type& type, std::string_view name_space, std::string_view name);

  /// `name_space` empty: all. `limit` 0: no limit. @errors Expired when the window no longer reaches back to `from.at`
  result<list_page> list(const resource_type& type, std::string_view name_space, const selector& which,
                         std::size_t limit = 0, const std::optional<list_position>& from = {}) const;
  const std::map<std::string, object_ptr, std::less<>>& all(const resource_type& type) const { return table(type); }

  revision current() const noexcept { return current_; }
  /// Changes after this version are in the window; a watch from before it is told 410.
  revision window_start() const noexcept { return window_start_; }
  /// The first change after `since`, or null. `since` must not be before window_start().
  const change* next_change(revision since) const noexcept;

  /// Called with each change, after it took effect. A sink that throws ends the write with the exception; the change
  /// stands.
  void on_change(std::function<void(const change&)> listener) { listeners_.push_back(std::move(listener)); }

  // For loading from disk: no listener is called.
  void restore(const resource_type& type, json::value value);
  void restore_change(const resource_type& type, bool deleted, json::value value);
  void restore_revision(revision current) noexcept;

 private:
  using objects = std::map<std::string, object_ptr, std::less<>>;
  const objects& table(const resource_type& type) const;
  objects& table(const resource_type& type);
  void remember(change c);
  void record(change c);

  store_limits limits_;
  std::map<std::string_view, objects> tables_;
  revision current_ = 0, window_start_ = 0;
  std::deque<change> window_;
  std::size_t window_bytes_ = 0;
  std::vector<std::function<void(const change&)>> listeners_;
};

std::string object_key(std::string_view name_space, std::string_view name);

}  // namespace atrium::devcluster
