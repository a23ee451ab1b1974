// The half of a shared document that keeps the file in step.
#include <fcntl.h>
#include <sys/inotify.h>

#include "apps/project/collab/digest.hpp"
#include "apps/project/documents/shared_document.hpp"
#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::project {

using namespace std::chrono_literals;

void shared_document::watch() {
  try {
    watching_ = watcher_.subscribe(parent_of(path_), [this](const folder_event& e) { on_event(e); });
  } catch (const failure& f) {  // the look every two seconds has to do
    log::warn("the folder of a document cannot be watched", {{"path", path_}, {"error", f.error()}});
  }
}

void shared_document::on_event(const folder_event& e) {
  if (e.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW)) look_.set();
  const auto name = name_of(path_);
  if (e.name == name && e.mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE)) look_.set();
}

/// Keeps hold of the file that `stamp_` is of.
void shared_document::hold_file() noexcept {
  try {
    struct stat st;
    if (file_ && ::fstat(file_.get(), &st) == 0 && st.st_dev == stamp_.device && st.st_ino == stamp_.inode) return;
    file_ = home_.open(path_, O_PATH | O_NOFOLLOW);
  } catch (const std::exception&) {  // gone again already: then there is nothing to follow
    file_.close();
  }
}

/// Where the file is that was at `path_`. In a trash it counts as removed.
std::optional<std::string> shared_document::where_it_went() const {
  if (!file_) return std::nullopt;
  auto to = home_.path_of(file_.get());
  if (!to || *to == path_ || to->starts_with(".trash/") || to->starts_with(".local/share/Trash/")) return std::nullopt;
  const auto there = stamp_of(home_, *to);
  if (!there || there->device != stamp_.device || there->inode != stamp_.inode) return std::nullopt;
  return to;
}

rt::task<void> shared_document::wait_for_writers() {
  for (int i = 0; i < 100; ++i) {
    if (!co_await rt::blocking([this] { return being_written(home_, path_); })) co_return;
    co_await rt::sleep_for(100ms);
  }
}

rt::task<void> shared_document::save() {
  const auto guard = co_await disk_.lock();
  if (closed_ || !unsaved()) co_return;
  const auto version = core_.version();
  const auto bytes = core_.file_bytes();
  const auto digest = content_digest(bytes);
  const auto expected = core_.all().disk.digest;
  journal_.append(journal::saving_record(digest));
  core_.begin_save(digest);
  save_outcome outcome;
  std::exception_ptr failed;
  try {
    outcome = co_await rt::blocking([&] { return save_document_file(home_, path_, bytes, expected, stamp_); });
    if (outcome.displaced) {
      const auto stamp = outcome.stamp;
      absorb(*outcome.displaced);
      forget_leftover(home_, path_);
      if (outcome.written) stamp_ = stamp;
    }
  } catch (...) {
    failed = std::current_exception();
  }
  if (!outcome.written) {
    core_.save_failed();
    note(journal::save_failed_record());
    if (failed) std::rethrow_exception(failed);
    if (outcome.gone) co_await file_is_gone();
    co_return;
  }
  note(journal::saved_record());
  core_.saved();
  stamp_ = outcome.stamp;
  hold_file();
  removed_ = recreate_ = false;
  if (failed) std::rethrow_exception(failed);
  broadcast(json_object().text("event", "document.saved").text("path", path_).number("version", version).done());
}

rt::task<void> shared_document::run_saver() {
  rt::duration delay = 300ms;
  while (!closed_) {
    if (!unsaved()) {
      delay = 300ms;
      co_await changed_.wait();
      continue;
    }
    co_await rt::sleep_for(delay);
    try {
      co_await wait_for_writers();
      if (!closed_) co_await save();
      delay = 300ms;
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("a document cannot be saved", {{"path", path_}, {"error", f.error()}});
      broadcast(json_object()
                    .text("event", "document.save_failed")
                    .text("path", path_)
                    .text("message", f.error().public_text())
                    .done());
      delay = std::min<rt::duration>(delay * 2, 5s);
    }
  }
}

rt::task<void> shared_document::look_at_disk() {
  const auto guard = co_await disk_.lock();
  if (closed_ || lost_) co_return;
  struct seen {
    bool there = false;
    std::optional<file_content> content;
  };
  try {
    auto now = co_await rt::blocking([this] {
      seen s;
      const auto stamp = stamp_of(home_, path_);
      s.there = stamp.has_value();
      if (stamp && *stamp != stamp_) s.content = read_document_file(home_, path_);
      return s;
    });
    if (!now.there) {
      if (!removed_) co_await file_is_gone();
      co_return;
    }
    if (removed_) {
      removed_ = recreate_ = false;
      if (!now.content) now.content = co_await rt::blocking([this] { return read_document_file(home_, path_); });
    }
    if (now.content) absorb(*now.content);
    hold_file();
  } catch (const failure& f) {
    if (f.disposition() != disposition::invalid) throw;
    give_up(f);
  }
}

/// Programs save by renaming: the file may be back at once. So it counts as gone when it is still gone a moment later.
rt::task<void> shared_document::file_is_gone() {
  co_await rt::sleep_for(300ms);
  if (co_await rt::blocking([this] { return stamp_of(home_, path_).has_value(); })) {
    look_.set();
    co_return;
  }
  const auto from = path_;
  const auto to = co_await rt::blocking([this] { return where_it_went(); });
  if (to && (!on_moved || on_moved(from, *to))) {
    moved(*to);
    co_return;
  }
  note(journal::removed_record());
  core_.disk_removed();
  removed_ = true;
  recreate_ = false;
  json_object event;
  event.text("event", "document.removed").text("path", path_);
  if (to) event.text("message", "It was moved to \"" + *to + "\", which is open already. Go on there.");
  broadcast(std::move(event).done());
}

/// The file became binary, too large or a folder. What was typed and not saved is put beside.
void shared_document::give_up(const failure& why) {
  log::warn("an open document became something else", {{"path", path_}, {"error", why.error()}});
  if (!core_.all().unsaved.empty()) {
    try {
      const auto rescue =
          home_.open(join(parent_of(path_), name_of(path_) + ".unsaved"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      write_all_blocking(rescue.get(), core_.file_bytes(), path_);
    } catch (const failure& f) {
      log::error("unsaved text cannot be put beside", {{"path", path_}, {"error", f.error()}});
    }
  }
  lost_ = true;
  broadcast(json_object()
                .text("event", "document.removed")
                .text("path", path_)
                .text("message", why.error().public_text())
                .done());
}

rt::task<void> shared_document::run_watcher() {
  while (!closed_) {
    if (co_await look_.wait_for(2s)) {
      look_.reset();
      co_await rt::sleep_for(20ms);  // a burst of events is one look
    }
    try {
      co_await look_at_disk();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      log::warn("the file of a document cannot be compared", {{"path", path_}, {"error", f.error()}});
    }
  }
}

}  // namespace atrium::project
