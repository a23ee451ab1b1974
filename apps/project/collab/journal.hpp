/// @file journal.hpp - the record of a document that survives the process: what is acknowledged is in it first.
/// Layer: app project. I/O-free: makes and reads bytes.
///
/// A file: the magic and a flag byte, then records framed by length and CRC-32. The first record is a whole document,
/// the others are the steps after it. A torn or damaged record ends the journal: everything before it counts. The file
/// is written by one process with plain appends, so what a killed process had appended is there.
#pragma once

#include "apps/project/collab/document.hpp"

namespace atrium::project::journal {

/// Where the flag byte of a file stands: 'o' while the document may hold unsaved changes, 'c' when the file on disk is
/// complete. Lets a starting server find unfinished work without reading everything.
inline constexpr std::size_t flag_offset = 8;
inline constexpr std::size_t head_bytes = 16;

/// A new journal that holds `d` (a file's whole content). `path` is the document's, relative to the home.
std::string begin(std::string_view path, const document& d, bool closed);
std::string record(const update& u);
std::string disk_record(const change_set& on_disk, const line_endings& endings, std::string_view digest);
std::string saving_record(std::string_view digest);
std::string saved_record();
std::string save_failed_record();
std::string removed_record();

struct replayed {
  std::string path;
  document doc;
  std::size_t good_bytes = 0;  ///< where the next record belongs
};
/// @errors invalid: not a journal, or its first record is damaged
result<replayed> replay(std::string_view bytes, document_limits limits = {});

}  // namespace atrium::project::journal
