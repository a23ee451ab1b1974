/// @file operations.hpp - what clients do with files: list, read, write, make, rename, copy, trash. Layer: app project.
/// @thread any; every function blocks: call them through rt::blocking. Paths are clean (home.hpp).
/// @errors as home.hpp
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/project/files/home.hpp"

namespace atrium::project {

struct file_entry {
  std::string name;
  std::string type;    ///< "file", "directory", "link" or "other"
  std::string target;  ///< of a link: type of what it leads to, or empty when that is gone or outside
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  unsigned mode = 0;  ///< permission bits
};

struct listing {
  std::vector<file_entry> entries;  ///< sorted by name, bytewise
  bool truncated = false;           ///< there are more than `limit`
};

listing list_folder(const home&, const std::string& path, std::size_t limit = 50'000);
file_entry describe(const home&, const std::string& path);
/// Largest file for read_text and write_text, in bytes.
inline constexpr std::size_t largest_text = 10u << 20;
/// @errors invalid: too large, binary, not UTF-8
std::string read_text(const home&, const std::string& path);
/// Beside and over, keeping the mode of what was there. Folders above are made.
void write_file(const home&, const std::string& path, std::string_view bytes);
/// An empty file. @errors conflict: exists
void create_file(const home&, const std::string& path);
void make_folder(const home&, const std::string& path);
/// Never replaces. @errors conflict: `to` exists
void rename_path(const home&, const std::string& from, const std::string& to);
/// Moves all into a new folder of ~/.trash and gives its path. What already lies in the trash is removed for good
/// instead.
std::string move_to_trash(const home&, const std::vector<std::string>& paths, std::int64_t now_ms);
/// Puts everything of a trash folder back; nothing is replaced. Gives the paths. @errors conflict: something took a
/// place
std::vector<std::string> restore_from_trash(const home&, const std::string& trash);
/// Removes a file or a folder with everything in it. Links are not followed.
void remove_for_good(const home&, const std::string& path);

}  // namespace atrium::project
