/// @file text_file.hpp - bytes of a text file <-> text of a document. Layer: app project. I/O-free.
///
/// A document knows one kind of line break, "\n", as CodeMirror does. How a file ends its lines is kept beside the text
/// and put back on saving: a line that nobody touched keeps its ending, also in a file that mixes them; a new line
/// gets the ending that most lines have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/project/collab/change_set.hpp"

namespace atrium::project {

enum class line_ending : std::uint8_t { lf, crlf, cr };

struct line_endings {
  line_ending usual = line_ending::lf;
  std::vector<line_ending> each;  ///< one a line break when the file mixes them, else empty

  /// Endings of the document after `change` was made to it. `before` is the text it was made to.
  line_endings after(const change_set& change, std::u16string_view before) const;
  bool operator==(const line_endings&) const = default;
};

struct file_text {
  std::u16string text;
  line_endings endings;
};

/// Largest file that is opened as a document, in bytes.
inline constexpr std::size_t largest_document = 10u << 20;

/// @errors invalid with a sentence: too large, binary (holds a NUL), not UTF-8
result<file_text> decode_file(std::string_view bytes);
std::string encode_file(std::u16string_view text, const line_endings& endings);

}  // namespace atrium::project
