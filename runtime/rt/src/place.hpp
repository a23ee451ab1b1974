// How a place of the source is written for people.
#pragma once

#include <cstring>
#include <source_location>
#include <string>

namespace atrium::rt {

/// "file.cpp:12", without folders.
inline std::string place_of(const std::source_location& where) {
  const char* name = where.file_name();
  const char* slash = std::strrchr(name, '/');
  return std::string(slash ? slash + 1 : name) + ":" + std::to_string(where.line());
}

}  // namespace atrium::rt
