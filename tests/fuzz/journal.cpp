// Journals of documents: damaged files, and journals of made-up lives that are cut at any byte.
#include <boost/crc.hpp>

#include "apps/project/collab/journal.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::project;

namespace {

/// Gives each record the checksum of its bytes, so that damage gets behind the checksum.
std::string repaired(std::string_view text) {
  std::string out(text);
  if (out.size() >= 16) out.replace(0, 9, "ATRIUMJ1o");
  for (std::size_t at = 16; at + 8 < out.size();) {
    std::size_t length = 0;
    for (int i = 3; i >= 0; --i)
      length = length << 8 | static_cast<unsigned char>(out[at + static_cast<std::size_t>(i)]);
    length = std::min(length, out.size() - at - 8);
    for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>(length >> (8 * i));
    boost::crc_32_type crc;
    crc.process_bytes(out.data() + at + 8, length);
    for (std::size_t i = 0; i < 4; ++i) out[at + 4 + i] = static_cast<char>(crc.checksum() >> (8 * i));
    at += 8 + length;
  }
  return out;
}

void read(std::string_view bytes) {
  const auto r = journal::replay(bytes);
  if (!r) return;
  ATRIUM_ASSERT(r->good_bytes <= bytes.size() && r->good_bytes > journal::head_bytes,
                "what counts is part of the file");
  const auto again = journal::replay(bytes.substr(0, r->good_bytes));
  ATRIUM_ASSERT(again && again->doc.text() == r->doc.text() && again->doc.version() == r->doc.version() &&
                    again->good_bytes == r->good_bytes,
                "the good part alone means the same");
  (void)r->doc.file_bytes();
}

/// A life of a document, written down, cut anywhere: a state that it had comes back.
void live(tests::fuzz_input& in) {
  const std::string start(in.part());
  const auto file = decode_file(start);
  if (!file) return;
  document d("e", *file, "digest");
  auto written = journal::begin("a.txt", d, false);
  std::vector<std::pair<std::size_t, std::u16string>> states{{written.size(), d.text()}};
  for (int steps = 0; !in.empty() && steps < 50; ++steps) {
    const auto what = in.byte();
    std::string record;
    switch (what % 5) {
      case 0:
      case 1: {
        const auto length = d.text().size();
        const auto from = in.below(length + 1), to = from + in.below(length - from + 1);
        update u{"c", std::to_string(steps), change_set::replacing(length, from, to, std::u16string(what % 3, u'a'))};
        record = journal::record(u);
        d.apply(std::move(u));
        break;
      }
      case 2:
        record = journal::saving_record("s"), d.begin_save("s");
        break;
      case 3:
        if (!d.all().saving) continue;
        record = journal::saved_record(), d.saved();
        break;
      default: {
        const auto now = decode_file(in.part());
        if (!now) continue;
        const auto changes = d.change_on_disk(*now);
        record = journal::disk_record(changes, now->endings, "d");
        d.apply_disk(changes, now->endings, "d");
        ATRIUM_ASSERT(d.all().disk.text == now->text, "the file is known as it is");
      }
    }
    written += record;
    states.emplace_back(written.size(), d.text());
  }
  ATRIUM_ASSERT(
      d.all().unsaved.old_length() == d.all().disk.text.size() && d.all().unsaved.new_length() == d.text().size(),
      "unsaved changes lead from the file to the text");
  const auto cut = states.front().first + in.below(written.size() - states.front().first + 1);
  const auto r = journal::replay(std::string_view(written).substr(0, cut));
  ATRIUM_ASSERT(r, "a cut journal is a journal");
  const auto last = std::find_if(states.rbegin(), states.rend(), [cut](const auto& s) { return s.first <= cut; });
  ATRIUM_ASSERT(r->doc.text() == last->second && r->good_bytes == last->first,
                "everything whole before the cut is there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  if (in.byte() % 2) {
    live(in);
  } else {
    const auto text = in.rest();
    read(text);
    read(repaired(text));
  }
  return 0;
}
