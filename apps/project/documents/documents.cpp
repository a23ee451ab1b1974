#include "apps/project/documents/documents.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "apps/project/files/operations.hpp"
#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::project {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_open = 500;

rt::task<void> saver(std::shared_ptr<shared_document> d) { co_await d->run_saver(); }
rt::task<void> looker(std::shared_ptr<shared_document> d) { co_await d->run_watcher(); }

/// Paths of documents whose journal is marked as unfinished; old finished ones are removed.
std::vector<std::string> unfinished(const home& h, std::time_t now) {
  std::vector<std::string> out;
  if (!h.exists(journal_folder)) return out;
  for (const auto& entry : list_folder(h, journal_folder).entries) {
    const auto path = join(journal_folder, entry.name);
    if (!entry.name.ends_with(".journal")) {
      remove_for_good(h, path);
      continue;
    }
    const auto fd = h.open(path, O_RDONLY);
    char flag = 0;
    if (::pread(fd.get(), &flag, 1, journal::flag_offset) == 1 && flag == 'c') {
      if (now - entry.modified_ms / 1000 > 30 * 86'400) remove_for_good(h, path);
      continue;
    }
    if (auto r = journal::replay(read_all(fd.get(), 512u << 20, path))) out.push_back(std::move(r->path));
    else remove_for_good(h, path);
  }
  return out;
}

}  // namespace

rt::task<std::shared_ptr<shared_document>> documents::open(std::string path) {
  path = co_await rt::blocking([&] { return home_.real_path(path); });
  const auto guard = co_await loading_.lock();
  if (const auto there = find(path)) {
    if (!there->lost()) co_return there;
    co_await close(there);
  }
  if (open_.size() >= most_open)
    fail(disposition::overloaded, "Too many documents are open in this project. Close some, then try again.");
  auto made = co_await shared_document::load(home_, watcher_, path);
  made->on_moved = [this](const std::string& from, const std::string& to) {
    const auto it = open_.find(from);
    if (it == open_.end() || open_.contains(to)) return false;  // of two documents, one file would be written by both
    auto d = std::move(it->second);
    open_.erase(it);
    open_[to] = std::move(d);
    return true;
  };
  open_[path] = made;
  background_.spawn(saver(made), "document.save");
  background_.spawn(looker(made), "document.watch");
  co_return made;
}

std::shared_ptr<shared_document> documents::find(const std::string& path) const {
  const auto it = open_.find(path);
  return it == open_.end() ? nullptr : it->second;
}

void documents::leave(peer& p) noexcept {
  for (const auto& [path, d] : open_) d->leave(p);
}

rt::task<void> documents::rename(std::string from, std::string to) {
  const auto loading = co_await loading_.lock();
  const auto affected = [&](const std::string& path) { return path == from || path.starts_with(from + "/"); };
  std::vector<rt::mutex::guard> held;
  for (const auto& [path, d] : std::map(open_))
    if (affected(path)) held.push_back(co_await d->hold());
  co_await rt::blocking([&] { rename_path(home_, from, to); });
  for (const auto& [path, d] : std::map(open_)) {  // as they are called by now: programs move files, too
    if (!affected(path)) continue;
    const auto now = to + path.substr(from.size());
    if (const auto there = find(now)) co_await close(there);  // of a file that was removed: this one has its name
    open_.erase(path);
    d->moved(now);
    open_[now] = d;
  }
}

/// Out of the table first: what is closed takes no push any more.
rt::task<void> documents::close(std::shared_ptr<shared_document> d) {
  open_.erase(d->path());
  co_await d->close();
}

rt::task<void> documents::recover() {
  std::vector<std::string> paths;
  try {
    paths = co_await rt::blocking([this] { return unfinished(home_, std::time(nullptr)); });
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::warn("journals of documents cannot be looked through", {{"error", f.error()}});
  }
  for (const auto& path : paths) {
    try {
      const auto d = co_await open(path);
      log::info("document recovered", {{"path", path}});
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("a document cannot be recovered", {{"path", path}, {"error", f.error()}});
      if (f.disposition() == disposition::not_found) ::unlinkat(home_.fd(), journal_path(path).c_str(), 0);
    }
  }
}

rt::task<void> documents::run_housekeeping() {
  for (;;) {
    co_await rt::sleep_for(10s);
    const auto guard = co_await loading_.lock();
    const auto now = rt::loop::current().now();
    for (const auto& [path, d] : std::map(open_)) {
      if (d->viewed() || (d->unsaved() && !d->lost()) || now - d->idle_since() < 60s) continue;
      co_await close(d);
    }
  }
}

rt::task<void> documents::close_all() {
  const auto guard = co_await loading_.lock();
  for (const auto& [path, d] : std::map(open_)) {
    try {
      co_await d->save();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("a document cannot be saved, its changes stay in the journal", {{"path", path}, {"error", f.error()}});
    }
    co_await close(d);
  }
}

}  // namespace atrium::project
