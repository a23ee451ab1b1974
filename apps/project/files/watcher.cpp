#include "apps/project/files/watcher.hpp"

#include <fcntl.h>
#include <sys/inotify.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "atrium/base/log.hpp"

namespace atrium::project {

namespace {
constexpr std::uint32_t interesting = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY |
                                      IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
}

watcher::watcher(const home& h) : home_(h), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!fd_) log::warn("files cannot be watched", {{"error", system_error(errno, "inotify")}});
}

watcher::subscription::subscription(subscription&& other) noexcept
    : watcher_(std::exchange(other.watcher_, nullptr)), id_(other.id_) {}

watcher::subscription& watcher::subscription::operator=(subscription&& other) noexcept {
  std::swap(watcher_, other.watcher_);
  std::swap(id_, other.id_);
  return *this;
}

watcher::subscription::~subscription() {
  if (watcher_) watcher_->unsubscribe(id_);
}

watcher::subscription watcher::subscribe(const std::string& folder, callback on_event) {
  // Not the path but the descriptor is given to the kernel: what was resolved beneath the home is what is watched.
  const auto fd = home_.open(folder, O_PATH | O_DIRECTORY);
  const auto link = "/proc/self/fd/" + std::to_string(fd.get());
  const int watch = fd_ ? ::inotify_add_watch(fd_.get(), link.c_str(), interesting) : -1;
  if (watch < 0 && (!fd_ || errno == ENOSPC))
    fail(disposition::overloaded, "Too many folders are watched at once. Close some file lists, then try again.");
  if (watch < 0) fail_for_path(errno, folder, "watch");
  const auto id = next_id_++;
  interests_.emplace(id, std::make_shared<interest>(interest{watch, folder, std::move(on_event)}));
  return subscription(this, id);
}

void watcher::unsubscribe(std::uint64_t id) noexcept {
  const auto found = interests_.find(id);
  if (found == interests_.end()) return;
  const int watch = found->second->watch;
  found->second->alive = false;
  interests_.erase(found);
  for (const auto& [other, i] : interests_)
    if (i->watch == watch) return;
  ::inotify_rm_watch(fd_.get(), watch);
}

void watcher::deliver(int watch, const folder_event& what) {
  std::vector<std::shared_ptr<interest>> those;  // a callback may subscribe or unsubscribe
  for (const auto& [id, i] : interests_)
    if (watch < 0 || i->watch == watch) those.push_back(i);
  for (const auto& i : those) {
    if (!i->alive) continue;  // ended by a callback before
    auto event = what;
    event.folder = i->folder;
    i->on_event(event);
  }
}

rt::task<void> watcher::run() {
  if (!fd_) co_return;
  alignas(inotify_event) std::byte buffer[16384];
  while (const auto n = co_await rt::read_some(fd_.get(), buffer)) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= n;) {
      inotify_event e;
      std::memcpy(&e, buffer + at, sizeof e);
      folder_event what;
      what.mask = e.mask;
      what.cookie = e.cookie;
      if (e.len > 0) what.name = reinterpret_cast<const char*>(buffer + at + sizeof e);
      at += sizeof e + e.len;
      if (e.mask & IN_IGNORED) continue;
      deliver(e.mask & IN_Q_OVERFLOW ? -1 : e.wd, what);  // events were lost: everybody should look
    }
  }
}

}  // namespace atrium::project
