// What requests about files say: paths, byte ranges, names.
#include "apps/project/files/home.hpp"
#include "apps/project/http/range.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::project;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  std::uint64_t file_size = 0;
  for (auto n = in.byte() % 9; n > 0; --n) file_size = file_size << 8 | in.byte();
  const auto text = in.rest();
  byte_range range;
  if (parse_range(text, file_size, range) == range_answer::part)
    ATRIUM_ASSERT(range.length > 0 && range.first < file_size && range.length <= file_size - range.first,
                  "a range lies in the file");
  ATRIUM_ASSERT(!content_type_of(text).empty(), "every name has a type");
  if (const auto path = clean_path(text)) {
    ATRIUM_ASSERT(clean_path(*path).value() == *path, "cleaning twice changes nothing");
    ATRIUM_ASSERT(!path->starts_with('/') && *path != ".." && !path->starts_with("../") &&
                      path->find("/../") == std::string::npos && !path->ends_with("/..") &&
                      path->find('\0') == std::string::npos,
                  "a clean path stays below the home");
    if (*path != ".") ATRIUM_ASSERT(join(parent_of(*path), name_of(*path)) == *path, "folder and name make the path");
  }
  return 0;
}
