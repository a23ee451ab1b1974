/// @file watcher.hpp - changes in folders, by inotify. Layer: app project. @thread the loop's
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "apps/project/files/home.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::project {

struct folder_event {
  std::string folder;  ///< as it was asked for
  std::string name;    ///< of the file in it; empty for the folder itself
  std::uint32_t mask = 0;
  std::uint32_t cookie = 0;  ///< joins IN_MOVED_FROM and IN_MOVED_TO
};

/// One inotify instance for all. A file system that other machines write to does not tell of their writes: who needs
/// certainty looks again from time to time.
class watcher {
 public:
  using callback = std::function<void(const folder_event&)>;

  explicit watcher(const home& h);

  /// A wish to hear of a folder; ends with the object. Must not outlive the watcher.
  class subscription {
   public:
    subscription() = default;
    subscription(subscription&&) noexcept;
    subscription& operator=(subscription&&) noexcept;
    ~subscription();

   private:
    friend class watcher;
    subscription(watcher* w, std::uint64_t id) : watcher_(w), id_(id) {}
    watcher* watcher_ = nullptr;
    std::uint64_t id_ = 0;
  };
  /// `on_event` is called on the loop from run(), once an event; it must not throw.
  /// @errors not_found, invalid (not a folder), overloaded (the kernel's limit of watches)
  subscription subscribe(const std::string& folder, callback on_event);

  /// Reads events until cancelled.
  rt::task<void> run();

 private:
  struct interest {
    int watch;
    std::string folder;
    callback on_event;
    bool alive = true;
  };
  void unsubscribe(std::uint64_t id) noexcept;
  void deliver(int watch, const folder_event& what);

  const home& home_;
  rt::unique_fd fd_;
  std::map<std::uint64_t, std::shared_ptr<interest>> interests_;
  std::uint64_t next_id_ = 1;
};

}  // namespace atrium::project
