// Change sets of two people on one document: parsing, applying, composing, and that all orders converge.
#include <boost/json.hpp>

#include "apps/project/collab/change_set.hpp"
#include "apps/project/collab/diff.hpp"
#include "apps/project/collab/text_file.hpp"
#include "apps/project/collab/unicode.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
using namespace atrium::project;

namespace {

std::optional<change_set> parse(std::string_view text) {
  boost::json::error_code problem;
  const auto v = boost::json::parse(without_lone_surrogate_escapes(std::string(text)), problem);
  if (problem) return std::nullopt;
  const auto c = change_set::parse(v);
  if (!c) return std::nullopt;
  std::string json;
  c->append_json(json);
  const auto again = change_set::parse(boost::json::parse(json));
  std::string twice;
  if (again) again->append_json(twice);
  ATRIUM_ASSERT(
      again && twice == json && again->old_length() == c->old_length() && again->new_length() == c->new_length(),
      "changes said again are the same");
  return *c;
}

/// A change set for a document of `length` units, from bytes.
change_set made_up(tests::fuzz_input& in, std::size_t length) {
  change_set::builder b;
  while (length > 0) {
    const auto n = 1 + in.below(length);
    if (const auto what = in.byte(); what % 3 == 0) b.remove(n);
    else b.keep(n);
    if (const auto what = in.byte(); what % 2)
      b.insert(std::u16string(1 + what % 5, static_cast<char16_t>(what % 7 == 0 ? 0xD800 + what : what)));
    length -= n;
  }
  if (in.byte() % 2) b.insert(u"end");
  return std::move(b).done();
}

std::u16string applied(const change_set& c, std::u16string text) {
  c.apply(text);
  return text;
}

void converge(const std::u16string& text, const change_set& a, const change_set& b) {
  const auto ab = a.compose(b.map(a)), ba = b.compose(a.map(b, true));
  ATRIUM_ASSERT(applied(ab, text) == applied(ba, text), "both orders give the same document");
  ATRIUM_ASSERT(applied(b.map(a), applied(a, text)) == applied(ab, text), "composing is applying one after the other");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto a = parse(in.part()), b = parse(in.part());
  if (a && b && a->old_length() == b->old_length() && a->old_length() < 10'000)
    converge(std::u16string(a->old_length(), u'x'), *a, *b);
  const std::string file(in.part()), other(in.part());
  const auto one = decode_file(file), two = decode_file(other);
  if (one) ATRIUM_ASSERT(encode_file(one->text, one->endings) == file, "a file that nobody changed keeps every byte");
  if (one && two) {
    const auto d = diff(one->text, two->text);
    ATRIUM_ASSERT(applied(d, one->text) == two->text, "a difference leads from one text to the other");
    (void)one->endings.after(d, one->text);
    converge(one->text, d, made_up(in, one->text.size()));
    converge(one->text, made_up(in, one->text.size()), made_up(in, one->text.size()));
  }
  return 0;
}
