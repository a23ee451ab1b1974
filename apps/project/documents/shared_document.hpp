/// @file shared_document.hpp - one open document: its authority, its journal, its file and who looks at it.
/// Layer: app project. @thread the loop's
///
/// Saving: 300 ms after the first unsaved change, unless somebody is just writing the file. Watching: inotify, and a
/// look every two seconds for file systems that do not tell.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "apps/project/documents/disk_file.hpp"
#include "apps/project/documents/journal_file.hpp"
#include "apps/project/files/watcher.hpp"
#include "apps/project/session/peer.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::project {

class shared_document : public std::enable_shared_from_this<shared_document> {
 public:
  /// From its journal and its file: what was acknowledged before a crash is there, what others wrote meanwhile is
  /// merged.
  /// @errors not_found, invalid (no text file), denied, overloaded
  static rt::task<std::shared_ptr<shared_document>> load(const home&, watcher&, std::string path);

  const std::string& path() const noexcept { return path_; }
  bool viewed() const noexcept { return !viewers_.empty(); }
  /// There is something to write to the file.
  bool unsaved() const noexcept { return core_.dirty() && (!removed_ || recreate_) && !lost_; }
  /// The file became something that cannot be edited: open it again when that has changed.
  bool lost() const noexcept { return lost_; }
  rt::time_point idle_since() const noexcept { return idle_since_; }

  /// JSON of the answer to document.open. The peer gets events from now on, first the cursors of the others.
  std::string open(peer&, std::optional<std::uint64_t> since, std::string_view epoch);
  /// JSON of the answer to document.push. Acknowledged means: it is in the journal.
  /// @errors conflict (another epoch), invalid, overloaded (disk full: nothing was taken)
  std::string push(peer&, std::string_view epoch, std::uint64_t version, std::vector<update> updates);
  /// `ranges` is JSON text.
  void cursor(peer&, std::string_view client_id, std::string ranges);
  void leave(peer&) noexcept;

  /// Saves and watches until close(). Never throws but for cancellation.
  rt::task<void> run_saver();
  rt::task<void> run_watcher();
  /// Writes what is unsaved now. @errors as save_document_file
  rt::task<void> save();
  /// Compares with the file and takes over what others wrote.
  rt::task<void> look_at_disk();
  /// Holds saving and watching off while the file is renamed.
  rt::task<rt::mutex::guard> hold() { return disk_.lock(); }
  /// The file has another name now. Call while holding.
  void moved(const std::string& to);
  /// Ends the tasks and leaves a short journal behind, after a running save or look.
  rt::task<void> close();

  /// Called when a program has moved the file within the home; false: this document cannot follow it there.
  std::function<bool(const std::string& from, const std::string& to)> on_moved;

 private:
  struct viewer {
    std::string client_id, cursor;  ///< cursor: JSON of its ranges
  };
  shared_document(const home&, watcher&, std::string path, document core);

  void recover(const file_content& file, const std::optional<file_content>& left);
  void absorb(const file_content& content);
  std::string updates_since(std::uint64_t version) const;
  void broadcast_since(std::uint64_t version);
  void broadcast(const std::string& event);
  void announce_viewers();
  std::string cursor_event(const std::string& client_id, peer& whose, const std::string& ranges) const;
  void watch();
  void on_event(const folder_event&);
  rt::task<void> file_is_gone();
  void hold_file() noexcept;
  std::optional<std::string> where_it_went() const;
  void give_up(const failure& why);
  void note(std::string_view record) noexcept;
  void tidy();
  rt::task<void> wait_for_writers();

  const home& home_;
  watcher& watcher_;
  std::string path_;
  document core_;
  journal_file journal_;
  file_stamp stamp_;
  std::map<peer*, viewer> viewers_;
  rt::mutex disk_;
  rt::condition changed_;  ///< something to save, or closed
  rt::event look_;
  watcher::subscription watching_;
  rt::time_point idle_since_;
  rt::unique_fd file_;            ///< O_PATH: tells where the file is after a program moved it
  bool rewrite_journal_ = false;  ///< a record is missing in it: it must be started over before it is trusted again
  bool removed_ = false, recreate_ = false, lost_ = false, closed_ = false;
};

}  // namespace atrium::project
