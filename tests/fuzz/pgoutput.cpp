// The messages of a logical replication stream. Each is framed by a length of two bytes.
#include "atrium/pg/pgoutput.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

namespace {

void look_at(const pg::change& c) {
  ATRIUM_ASSERT(c.table != nullptr, "a change names its table");
  ATRIUM_ASSERT(c.row.empty() || c.row.size() == c.table->columns.size(), "a row has the columns of its table");
  ATRIUM_ASSERT(c.old_row.empty() || c.old_row.size() == c.table->columns.size(), "and so has the old one");
  for (const auto& column : c.table->columns) (void)c.find(column.name);
  ATRIUM_ASSERT(c.find("\x01 no such column \x01") == nullptr, "unknown columns are not found");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  pg::pgoutput::decoder d;
  while (text.size() >= 2) {
    const auto length =
        static_cast<std::size_t>(static_cast<unsigned char>(text[0])) << 8 | static_cast<unsigned char>(text[1]);
    const std::string one(text.substr(2, length));  // its own allocation: reading beyond it is seen
    text.remove_prefix(std::min(text.size(), 2 + length));
    const auto m = d.decode(tests::bytes_of(one));
    if (!m) continue;
    if (const auto* c = std::get_if<pg::change>(&*m)) look_at(*c);
    if (const auto* all = std::get_if<std::vector<pg::change>>(&*m))
      for (const auto& c : *all) look_at(c);
  }
  return 0;
}
