/// @file informer.hpp - a cache of one kind kept up to date by list and watch, holding only what its user needs. Layer:
/// k8s.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "atrium/k8s/client.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::k8s {

struct informer_options {
  std::string ns;  ///< empty: all namespaces
  std::string label_selector, field_selector;
  unsigned page = 500;
  reflector_options reflector;
};

/// Gets what a reflector sees. Called on the loop, between awaits: must not throw and not block.
class reflector_sink {
 public:
  virtual ~reflector_sink() = default;
  virtual void list_begin() = 0;
  virtual void upsert(const std::string& key, const boost::json::value& object) = 0;
  virtual void remove(const std::string& key) = 0;
  /// Everything that was not upserted since list_begin() is gone.
  virtual void list_end() = 0;
  /// The list broke off: nothing can be concluded from it.
  virtual void list_abandoned() = 0;
};

/// Lists, then watches, for ever: resumes after cut connections, lists again after 410, restarts watches that went
/// quiet. Returns only by cancellation. `kind` metrics label: plural of the resource.
rt::task<void> run_reflector(client&, const resource&, informer_options, reflector_sink&);

/// Cache of `T`, which the projection makes from each object; nullopt leaves the object out. Keys are "namespace/name".
/// @thread one loop. Handlers run between awaits, must not throw, and see the cache as it is after the change.
template <class T>
class informer final : private reflector_sink {
 public:
  using projection = std::function<std::optional<T>(const boost::json::value&)>;
  /// `before` is null for a new object. Not called when T is equality comparable and nothing that we keep has changed.
  using changed_handler = std::function<void(const std::string& key, const T* before, const T& now)>;
  using deleted_handler = std::function<void(const std::string& key, const T& last)>;

  informer(client& c, const resource& kind, informer_options options, projection project)
      : client_(c), kind_(kind), options_(std::move(options)), project_(std::move(project)) {}

  void on_changed(changed_handler f) { changed_ = std::move(f); }
  void on_deleted(deleted_handler f) { deleted_ = std::move(f); }

  /// Keeps the cache until cancelled. Spawn it in a scope.
  rt::task<void> run() { return run_reflector(client_, kind_, options_, *this); }

  /// The first whole list has arrived.
  bool synced() const noexcept { return synced_.is_set(); }
  rt::task<void> wait_synced() { return synced_.wait(); }
  /// Good until the next await.
  const T* find(std::string_view key) const {
    auto at = items_.find(key);
    return at == items_.end() ? nullptr : &at->second.value;
  }
  std::size_t size() const noexcept { return items_.size(); }
  template <class F>
  void for_each(F f) const {
    for (const auto& [key, e] : items_) f(key, e.value);
  }

 private:
  struct entry {
    T value;
    std::uint64_t generation;
  };

  void list_begin() override { ++generation_; }
  void list_abandoned() override {}
  void upsert(const std::string& key, const boost::json::value& object) override {
    auto value = project_(object);
    if (!value) return remove(key);
    auto at = items_.find(key);
    if (at == items_.end()) {
      at = items_.emplace(key, entry{std::move(*value), generation_}).first;
      if (changed_) changed_(key, nullptr, at->second.value);
      return;
    }
    at->second.generation = generation_;
    if constexpr (std::equality_comparable<T>)
      if (at->second.value == *value) return;
    T before = std::exchange(at->second.value, std::move(*value));
    if (changed_) changed_(key, &before, at->second.value);
  }
  void remove(const std::string& key) override {
    auto at = items_.find(key);
    if (at == items_.end()) return;
    T last = std::move(at->second.value);
    items_.erase(at);
    if (deleted_) deleted_(key, last);
  }
  void list_end() override {
    std::vector<std::string> gone;
    for (const auto& [key, e] : items_)
      if (e.generation != generation_) gone.push_back(key);
    for (const auto& key : gone) remove(key);
    synced_.set();
  }

  client& client_;
  const resource kind_;
  informer_options options_;
  projection project_;
  changed_handler changed_;
  deleted_handler deleted_;
  std::map<std::string, entry, std::less<>> items_;
  std::uint64_t generation_ = 0;
  rt::event synced_;
};

}  // namespace atrium::k8s
