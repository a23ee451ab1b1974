/// @file document.hpp - the authority over one shared document: one order of changes, and the file kept in step.
/// Layer: app project. I/O-free: the caller reads and writes the file and the journal (journal.hpp).
///
/// Clients follow the protocol of @codemirror/collab: they push changes made to the version that they know; a push on
/// an older version is refused, they take what they missed, rebase and push again. So the order here is the only one.
///
/// Beside the text stands what the file on disk held when we last saw it, and the change from there to the text
/// ("unsaved"). What somebody else writes to the file is compared with what the file held, and that change is mapped
/// over the unsaved one: both survive.
///
/// Every step is first planned (const; may be refused), then written to the journal by the caller, then applied.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>

#include "apps/project/collab/text_file.hpp"

namespace atrium::project {

/// clientID of changes that came from the file.
inline constexpr std::string_view disk_client = "disk";

struct update {
  std::string client_id;
  std::string id;  ///< unique within its client; empty: never taken for a repetition
  change_set changes;
  bool operator==(const update&) const = default;
};

/// What the file holds, as far as we know.
struct disk_state {
  std::u16string text;
  line_endings endings;
  std::string digest;  ///< of its bytes; empty: there is no file
};

/// A write of the file that was begun: its content is that of `version`.
struct save_state {
  std::uint64_t version = 0;
  disk_state content;
  change_set since;  ///< what was changed after `version`
};

struct document_limits {
  std::size_t history_bytes = 8u << 20;  ///< JSON of kept updates; older ones are forgotten
  std::size_t history_count = 50'000;
  std::size_t text_units = largest_document;  ///< a change that makes the document longer is refused
};

class document {
 public:
  struct entry {
    update what;
    std::string json;  ///< {"clientID":...,"changes":...}
  };
  /// Everything that a document is; what the journal keeps.
  struct state {
    std::string epoch;
    std::uint64_t version = 0;
    std::u16string text;
    disk_state disk;
    change_set unsaved;  ///< disk.text -> text
    std::optional<save_state> saving;
    std::deque<entry> history;  ///< updates version - size() .. version - 1
  };

  /// A document as the file holds it. `epoch` names this line of versions: when it differs, versions do not compare.
  document(std::string epoch, file_text file, std::string digest, document_limits limits = {});
  explicit document(state kept, document_limits limits = {});

  const std::string& epoch() const noexcept { return s_.epoch; }
  std::uint64_t version() const noexcept { return s_.version; }
  const std::u16string& text() const noexcept { return s_.text; }
  const state& all() const noexcept { return s_; }

  struct push_plan {
    std::size_t repeated = 0;  ///< leading updates that were applied before: acknowledge, do not apply
    std::size_t fresh = 0;     ///< updates after those to apply; 0 when the client is behind
  };
  /// @errors invalid: a version from the future, lengths that do not fit, a reserved client id, a document too long
  result<push_plan> plan_push(std::uint64_t version, std::span<const update> updates) const;
  /// Applies one update made to the current version. Its length must fit (asserted).
  void apply(update u);
  /// Keeps the history within its limits. Call when everybody has been sent what is new.
  void forget_old();

  /// False when updates from version `since` on are forgotten, or `since` lies in the future.
  bool keeps_since(std::uint64_t since) const noexcept;
  /// The update that made version `version` into the next one. Must be kept.
  const entry& at(std::uint64_t version) const;

  /// What somebody did to the file since we last saw it: disk.text -> text of the file.
  change_set change_on_disk(const file_text& now) const;
  /// Takes that over: the file holds it (with `digest`), and mapped over what is unsaved it is an update by "disk".
  void apply_disk(const change_set& on_disk, line_endings endings, std::string digest);

  bool dirty() const noexcept { return !s_.unsaved.empty() || s_.disk.digest.empty(); }
  /// Bytes that the file should hold.
  std::string file_bytes() const;
  /// A write of file_bytes() of `digest` begins; then saved(), or save_failed().
  void begin_save(std::string digest);
  void saved();
  void save_failed() { s_.saving.reset(); }
  /// The file is gone: what is here counts as unsaved.
  void disk_removed();

 private:
  state s_;
  document_limits limits_;
  std::unordered_set<std::string> known_;  // client id, NUL, update id of the history
  std::size_t history_bytes_ = 0;
};

}  // namespace atrium::project
