#include "apps/project/collab/text_file.hpp"

#include <algorithm>
#include <array>

#include "apps/project/collab/unicode.hpp"

namespace atrium::project {

namespace {

std::size_t breaks_in(std::u16string_view text) { return static_cast<std::size_t>(std::ranges::count(text, u'\n')); }

void append_ending(std::u16string& out, line_ending e) {
  if (e != line_ending::lf) out += u'\r';
  if (e != line_ending::cr) out += u'\n';
}

}  // namespace

line_endings line_endings::after(const change_set& change, std::u16string_view before) const {
  if (each.empty()) return *this;
  line_endings out{usual, {}};
  if (each.size() != breaks_in(before)) return out;  // of another text: a journal that was tampered with
  std::size_t at = 0, next = 0;
  for (const auto& s : change.sections()) {
    const auto old_breaks = breaks_in(before.substr(at, s.length));
    if (s.keeps)
      out.each.insert(out.each.end(), each.begin() + static_cast<std::ptrdiff_t>(next),
                      each.begin() + static_cast<std::ptrdiff_t>(next + old_breaks));
    else out.each.insert(out.each.end(), breaks_in(s.text), usual);
    at += s.length;
    next += old_breaks;
  }
  return out;
}

result<file_text> decode_file(std::string_view bytes) {
  if (bytes.size() > largest_document)
    return error(disposition::invalid,
                 "The file is larger than 10 MB, which is too much to edit together. Download it, or use an editor in "
                 "a terminal.");
  if (bytes.find('\0') != std::string_view::npos)
    return error(disposition::invalid, "The file is binary, not text. Download it instead.");
  auto text = utf8_to_utf16(bytes);
  if (!text)
    return error(disposition::invalid,
                 "The file is not UTF-8 text. Convert it first, for example: iconv -f latin1 -t utf-8 FILE > NEW.");
  file_text out;
  if (text->find(u'\r') == std::u16string::npos) {
    out.text = std::move(*text);
    return out;
  }
  std::array<std::size_t, 3> count{};
  std::vector<line_ending> each;
  out.text.reserve(text->size());
  for (std::size_t i = 0; i < text->size(); ++i) {
    const char16_t c = (*text)[i];
    if (c != u'\n' && c != u'\r') {
      out.text += c;
      continue;
    }
    const bool pair = c == u'\r' && i + 1 < text->size() && (*text)[i + 1] == u'\n';
    const auto kind = c == u'\n' ? line_ending::lf : pair ? line_ending::crlf : line_ending::cr;
    if (pair) ++i;
    out.text += u'\n';
    each.push_back(kind);
    ++count[static_cast<std::size_t>(kind)];
  }
  out.endings.usual = static_cast<line_ending>(std::ranges::max_element(count) - count.begin());
  if (count[static_cast<std::size_t>(out.endings.usual)] != each.size()) out.endings.each = std::move(each);
  return out;
}

std::string encode_file(std::u16string_view text, const line_endings& endings) {
  if (endings.each.empty() && endings.usual == line_ending::lf) return utf16_to_utf8(text);
  std::u16string out;
  out.reserve(text.size() + text.size() / 16);
  std::size_t line = 0;
  for (const char16_t c : text) {
    if (c != u'\n') {
      out += c;
      continue;
    }
    append_ending(out, line < endings.each.size() ? endings.each[line] : endings.usual);
    ++line;
  }
  return utf16_to_utf8(out);
}

}  // namespace atrium::project
